package config

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// fieldTag is what a struct tag says about a key.
type fieldTag struct {
	key, doc string
	min, max *int
	enum     []string
	secret   bool
}

func tagOf(f reflect.StructField) fieldTag {
	t := fieldTag{key: f.Tag.Get("yaml"), doc: f.Tag.Get("doc"), secret: f.Tag.Get("secret") == "true"}
	if e := f.Tag.Get("enum"); e != "" {
		t.enum = strings.Split(e, "|")
	}
	bound := func(name string) *int {
		if n, err := strconv.Atoi(f.Tag.Get(name)); err == nil {
			return &n
		}
		return nil
	}
	t.min, t.max = bound("min"), bound("max")
	return t
}

// checkTags compares the scalar fields of the struct v with their min, max and
// enum tags. Nested structs have their own Validate.
func checkTags(v any) Problems {
	var p Problems
	rv := reflect.ValueOf(v)
	for i := range rv.NumField() {
		t := tagOf(rv.Type().Field(i))
		switch f := rv.Field(i); f.Kind() {
		case reflect.Int:
			n := int(f.Int())
			if (t.min != nil && n < *t.min) || (t.max != nil && n > *t.max) {
				p.add(t.key, "is %d, must be %s", n, t.bounds())
			}
		case reflect.String:
			if t.enum != nil && !slices.Contains(t.enum, f.String()) {
				p.add(t.key, "is %q, must be one of %s%s", f.String(), strings.Join(t.enum, ", "), didYouMean(f.String(), t.enum))
			}
		default: // other kinds have no bounds
		}
	}
	return p
}

func (t fieldTag) bounds() string {
	switch {
	case t.min != nil && t.max != nil:
		return strconv.Itoa(*t.min) + " to " + strconv.Itoa(*t.max)
	case t.min != nil:
		return "at least " + strconv.Itoa(*t.min)
	default:
		return "at most " + strconv.Itoa(*t.max)
	}
}

// leaf is a key that holds a value: a scalar or a list.
type leaf struct {
	path string
	tag  fieldTag
	v    reflect.Value // settable if the Config was given by pointer
}

// leaves returns every leaf of c in the order of the structs.
func leaves(c *Config) []leaf {
	var out []leaf
	var walk func(prefix string, v reflect.Value)
	walk = func(prefix string, v reflect.Value) {
		for i := range v.NumField() {
			t := tagOf(v.Type().Field(i))
			path := joinKey(prefix, t.key)
			if v.Field(i).Kind() == reflect.Struct {
				walk(path, v.Field(i))
				continue
			}
			out = append(out, leaf{path, t, v.Field(i)})
		}
	}
	walk("", reflect.ValueOf(c).Elem())
	return out
}

// EnvName returns the environment variable of the key at path.
func EnvName(path string) string {
	return "EDGECAM_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}
