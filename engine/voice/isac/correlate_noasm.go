//go:build noasm || !(amd64 || arm64)

package isac

func haveKernel() bool { return false }

func correlateKernel(dst, x, y *float64, n, lags int) {
	panic("isac: kernel called that this build does not have")
}
