//go:build noasm || !(amd64 || arm64)

package cpufeat

func detect() Set { return 0 }
