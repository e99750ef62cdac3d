package cpufeat

import "testing"

func TestParse(t *testing.T) {
	all := SSE2 | AVX2
	for env, want := range map[string]Set{
		"": all, "generic": 0, "-avx2": SSE2, " -AVX2 , -sse2": 0, "nonsense": all, "-neon": all,
	} {
		if got := parse(env, all); got != want {
			t.Errorf("parse(%q) = %v, want %v", env, got, want)
		}
	}
}

func TestOverride(t *testing.T) {
	before := Active()
	restore := Override(0)
	if Active() != 0 {
		t.Errorf("Active = %v after Override(0)", Active())
	}
	restore()
	if Active() != before {
		t.Errorf("Active = %v after restore, want %v", Active(), before)
	}
}

func TestString(t *testing.T) {
	if got := (SSE2 | AVX2).String(); got != "sse2+avx2" {
		t.Errorf("String = %q", got)
	}
	if got := Set(0).String(); got != "generic" {
		t.Errorf("String = %q", got)
	}
}
