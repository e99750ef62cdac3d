package config

import (
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"text/tabwriter"
)

// masked stands where a secret would.
const masked = "********"

// Entry is one key with its value, as "config show" prints it.
type Entry struct {
	Key    string `json:"key"`
	Value  any    `json:"value"` // secrets are masked
	Origin string `json:"origin"`
	Env    string `json:"env"`
	Doc    string `json:"doc"`
}

// Entries returns every key with its value and origin.
func (l *Loaded) Entries() []Entry {
	var out []Entry
	for _, lf := range leaves(l.Config) {
		out = append(out, Entry{
			Key: lf.path, Value: maskedValue(lf.v, lf.tag), Origin: l.Origin(lf.path).String(),
			Env: EnvName(lf.path), Doc: lf.tag.doc,
		})
	}
	return out
}

// maskedValue returns v with everything tagged secret replaced.
func maskedValue(v reflect.Value, tag fieldTag) any {
	switch {
	case tag.secret && v.Kind() == reflect.String:
		if v.Len() == 0 {
			return ""
		}
		return masked
	case v.Kind() == reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = maskedValue(v.Index(i), tag)
		}
		return list
	case v.Kind() == reflect.Struct:
		m := map[string]any{}
		for i := range v.NumField() {
			t := tagOf(v.Type().Field(i))
			m[t.key] = maskedValue(v.Field(i), t)
		}
		return m
	}
	return v.Interface()
}

// Show prints every key with its value and where that came from. What it
// prints left of the comments is itself a valid file, but for masked secrets.
func (l *Loaded) Show(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	var open []string
	for _, e := range l.Entries() {
		parts := strings.Split(e.Key, ".")
		sections, name := parts[:len(parts)-1], parts[len(parts)-1]
		same := 0
		for same < len(open) && same < len(sections) && open[same] == sections[same] {
			same++
		}
		for i := same; i < len(sections); i++ {
			fmt.Fprintf(tw, "%s%s:\n", strings.Repeat("  ", i), sections[i])
		}
		open = sections
		fmt.Fprintf(tw, "%s%s: %s\t# %s\n", strings.Repeat("  ", len(sections)), name, yamlText(e.Value), e.Origin)
	}
	return tw.Flush()
}

// yamlText returns v in YAML's flow style on one line.
func yamlText(v any) string {
	switch v := v.(type) {
	case string:
		return yamlString(v)
	case []any:
		items := make([]string, len(v))
		for i := range v {
			items[i] = yamlText(v[i])
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		var items []string
		t := reflect.TypeFor[ICEServer]()
		for i := range t.NumField() {
			key := tagOf(t.Field(i)).key
			items = append(items, key+": "+yamlText(v[key]))
		}
		return "{" + strings.Join(items, ", ") + "}"
	}
	return fmt.Sprint(v)
}

// yamlString quotes s unless it is a word that YAML takes as text.
func yamlString(s string) string {
	plain := s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r == '-' || r == '_' || r == '/' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}) && (s[0] == '/' || s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z')
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off":
		plain = false
	}
	if plain {
		return s
	}
	return strconv.Quote(s)
}
