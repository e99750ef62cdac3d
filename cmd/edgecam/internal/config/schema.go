package config

import (
	"encoding/json"
	"reflect"
)

// Schema returns the JSON schema (draft 2020-12) of the configuration file,
// for editors that check and complete YAML with it.
func Schema() []byte {
	root := schemaOf(reflect.ValueOf(*Defaults()), fieldTag{doc: "configuration of an edgecam node"})
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "edgecam.yaml"
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil { // maps of strings, numbers and lists always marshal
		panic(err)
	}
	return append(out, '\n')
}

func schemaOf(v reflect.Value, tag fieldTag) map[string]any {
	s := map[string]any{}
	if tag.doc != "" {
		s["description"] = tag.doc
	}
	switch v.Kind() {
	case reflect.Struct:
		props := map[string]any{}
		for i := range v.NumField() {
			t := tagOf(v.Type().Field(i))
			props[t.key] = schemaOf(v.Field(i), t)
		}
		s["type"], s["properties"], s["additionalProperties"] = "object", props, false
		return s
	case reflect.Slice:
		s["type"] = "array"
		s["items"] = schemaOf(reflect.Zero(v.Type().Elem()), fieldTag{})
		if v.Len() == 0 {
			s["default"] = []any{}
		} else {
			s["default"] = v.Interface()
		}
		return s
	case reflect.Int:
		s["type"] = "integer"
		if tag.min != nil {
			s["minimum"] = *tag.min
		}
		if tag.max != nil {
			s["maximum"] = *tag.max
		}
	case reflect.Bool:
		s["type"] = "boolean"
	default:
		// YAML reads an unquoted 42 as a number; text fields take it as text.
		s["type"] = []string{"string", "number", "boolean"}
		if tag.enum != nil {
			s["type"], s["enum"] = "string", tag.enum
		}
	}
	if tag.doc != "" {
		s["default"] = v.Interface()
	}
	return s
}
