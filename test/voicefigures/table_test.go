package main

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	got := table(`== aec: one
scenario        ERLEss  ERLE5s    t20    t10 | DT:   mSDR    SDR mESTOI  ESTOI   dLvl | near-only    SDR |   RTF%    MB
aec-st            34.6    35.0    0.0    0.0 | DT:    NaN    NaN    NaN    NaN   +NaN | near-only    NaN |   1.57  33.4
aec-dt            34.1    32.1    NaN    NaN | DT:   -1.4   15.0  0.593  0.927   -0.5 | near-only   43.4 |   1.56  30.7
== aec: two
aec-st            16.2     8.5   +Inf    2.7 | DT:    NaN    NaN    NaN    NaN   +NaN | near-only    NaN |   0.77   7.3
== real: one
real open: with truth n=6: FSDR 1.6 -> 11.6 dB, ESTOI 0.676 -> 0.814; challenge clips: attenuation far-active 8.1 dB (n=6, includes double talk), far-idle 0.1 dB (n=4)
== ns: one
all              n=15 dSI-SDR +3.81 dFSDR +4.23  STOI 0.848->0.859  ESTOI 0.657->0.702  segSNR  2.30-> 6.38  noise-only att  16.5 dB  RTF 0.30%  26.4 MB
== ns: two
all              n=15 dSI-SDR +1.59 dFSDR +2.38  STOI 0.848->0.820  ESTOI 0.657->0.664  segSNR  2.30-> 5.20  noise-only att  14.8 dB  RTF 0.21%  5.2 MB
== agc: one
  in -40 dBFS -> out -22.5 dBFS (gain +17.5) settle 0.25 s
  in -28 dBFS -> out -22.3 dBFS (gain +5.3) settle 1.00 s
  clipped samples 0, RTF 0.10%, 33.0 MB
`)
	for _, want := range []string{
		"| | one | two |", "dB | 34.6 | 16.2 |", "same | 0.0 | never |", "non-linear | 0.927 |", "FSDR, dB | 15.0 |", "near end, dB | -0.5 |",
		"alone: FSDR, dB | 43.4 |", "0.676) | 0.814 |", "1.6), dB | 11.6 |", "real time | 1.57 | 0.77 |", "gain of FSDR, dB | 4.23 | 2.38 |",
		"0.848) | 0.859 | 0.820 |", "0.657) | 0.702 | 0.664 |", "alone, dB | 16.5 |", "real time | 0.30 |", "| -22.5 / -22.3 |", "settle | 0.25 / 1.00 |", "clipped samples | 0 |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}
