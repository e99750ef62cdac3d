package fixed

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

var edges32 = []int32{math.MinInt32, math.MinInt32 + 1, -65537, -65536, -65535, -32769, -32768, -32767, -1, 0, 1, 32767, 32768, 65535, 65536, math.MaxInt32 - 1, math.MaxInt32}

func TestSaturation(t *testing.T) {
	for _, a := range edges32 {
		for _, b := range edges32 {
			sum, diff := int64(a)+int64(b), int64(a)-int64(b)
			if got, want := AddSat32(a, b), clamp(sum, 32); int64(got) != want {
				t.Errorf("AddSat32(%d, %d) = %d, want %d", a, b, got, want)
			}
			if got, want := SubSat32(a, b), clamp(diff, 32); int64(got) != want {
				t.Errorf("SubSat32(%d, %d) = %d, want %d", a, b, got, want)
			}
			x, y := int16(a), int16(b>>16)
			if got, want := AddSat16(x, y), clamp(int64(x)+int64(y), 16); int64(got) != want {
				t.Errorf("AddSat16(%d, %d) = %d, want %d", x, y, got, want)
			}
			if got, want := SubSat16(x, y), clamp(int64(x)-int64(y), 16); int64(got) != want {
				t.Errorf("SubSat16(%d, %d) = %d, want %d", x, y, got, want)
			}
		}
	}
}

func clamp(x int64, bits uint) int64 {
	limit := int64(1) << (bits - 1)
	return min(max(x, -limit), limit-1)
}

func TestNorm32(t *testing.T) {
	for _, x := range edges32 {
		if x == 0 {
			if Norm32(x) != 0 {
				t.Errorf("Norm32(0) = %d", Norm32(x))
			}
			continue
		}
		n := Norm32(x)
		if y := int64(x) << n; y != int64(int32(y)) {
			t.Errorf("Norm32(%d) = %d: too many", x, n)
		}
		if y := int64(x) << (n + 1); y == int64(int32(y)) {
			t.Errorf("Norm32(%d) = %d: too few", x, n)
		}
	}
}

// TestMixed compares the mixed products with their definition in unlimited
// integers, reduced to 32 bits.
func TestMixed(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		a, b := int16(r.Uint32()), int32(r.Uint32())
		if r.IntN(4) == 0 {
			b = edges32[r.IntN(len(edges32))]
		}
		h, l := int64(b>>16), int64(b&0xFFFF)
		if want := int32(int64(a)*h + (int64(a)*(l>>1)+1<<14)>>15); MulMixQ16(a, b) != want {
			t.Fatalf("MulMixQ16(%d, %d) = %d, want %d", a, b, MulMixQ16(a, b), want)
		}
		for n, f := range map[uint]func(int16, int32) int32{11: MulMixQ11, 14: MulMixQ14, 15: MulMixQ15} {
			want := int32(int64(a)*h<<(16-n) + (int64(a)*l>>1+1<<(n-2))>>(n-1))
			if got := f(a, b); got != want {
				t.Fatalf("MulMixQ%d(%d, %d) = %d, want %d", n, a, b, got, want)
			}
			exact := new(big.Int).Mul(big.NewInt(int64(a)), big.NewInt(int64(b)))
			exact.Rsh(exact, n)
			if exact.IsInt64() && exact.Int64() == int64(int32(exact.Int64())) && abs(exact.Int64()-int64(want)) > 1 && abs(exact.Int64()) < math.MaxInt32-1 {
				t.Fatalf("MulMixQ%d(%d, %d) = %d is far from %v", n, a, b, want, exact)
			}
		}
	}
}

func abs(x int64) int64 { return max(x, -x) }

func TestProducts(t *testing.T) {
	cases := []struct {
		a, b                    int16
		trunc, round, sat, wq14 int16
	}{
		{16384, 16384, 8192, 8192, 8192, 16384},
		{-16384, 1, -1, 0, -1, -1},
		{3, 16384, 1, 2, 1, 3},
		{-32768, 32767, -32767, -32767, -32767, 2},
	}
	for _, c := range cases {
		if g := MulQ15(c.a, c.b); g != c.trunc {
			t.Errorf("MulQ15(%d, %d) = %d, want %d", c.a, c.b, g, c.trunc)
		}
		if g := MulRoundQ15(c.a, c.b); g != c.round {
			t.Errorf("MulRoundQ15(%d, %d) = %d, want %d", c.a, c.b, g, c.round)
		}
		if g := MulSatQ15(c.a, c.b); g != c.sat {
			t.Errorf("MulSatQ15(%d, %d) = %d, want %d", c.a, c.b, g, c.sat)
		}
		if g := MulWrapQ14(c.a, c.b); g != c.wq14 {
			t.Errorf("MulWrapQ14(%d, %d) = %d, want %d", c.a, c.b, g, c.wq14)
		}
	}
	if g := MulSatQ15(math.MinInt16, math.MinInt16); g != math.MaxInt16 {
		t.Errorf("MulSatQ15(-1, -1) = %d", g)
	}
}

func TestChecked(t *testing.T) {
	panicked := func(f func()) (p bool) {
		defer func() { p = recover() != nil }()
		f()
		return false
	}
	for name, f := range map[string]func(){
		"Narrow16": func() { Narrow16(40000) },
		"Narrow32": func() { Narrow32(1 << 40) },
		"Add32":    func() { Add32(math.MaxInt32, 1) },
		"Sub32":    func() { Sub32(math.MinInt32, 1) },
		"MulQ15":   func() { MulQ15(math.MinInt16, math.MinInt16) },
	} {
		if panicked(f) != checking {
			t.Errorf("%s out of range: panicked %v, range checks %v", name, !checking, checking)
		}
	}
}

func TestShift32(t *testing.T) {
	if Shift32(-5, -1) != -3 || Shift32(3, 2) != 12 || Shift32(1<<30, 2) != 0 {
		t.Error("Shift32")
	}
}
