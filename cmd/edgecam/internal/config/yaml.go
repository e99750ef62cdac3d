package config

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxFileSize bounds what is parsed; a real file has a few kilobytes.
const maxFileSize = 256 << 10

// position is where a key stands in a file; columns count characters from 1.
type position struct{ line, column int }

// document is one YAML text being laid over a Config.
type document struct {
	source    string // for messages
	problems  Problems
	positions map[string]position // of every key that was seen
	set       []string            // leaf paths that got a value
}

// apply lays the YAML text over c. What is wrong is left out and reported.
func (d *document) apply(c *Config, data []byte) { d.applyTo(reflect.ValueOf(c).Elem(), data) }

func (d *document) applyTo(to reflect.Value, data []byte) {
	if d.positions == nil {
		d.positions = map[string]position{}
	}
	if len(data) > maxFileSize {
		d.problem("", position{}, "is %d bytes long, the limit is %d", len(data), maxFileSize)
		return
	}
	if at := invalidUTF8(data); at != (position{}) {
		d.problem("", at, "is not UTF-8 text")
		return
	}
	file, err := parse(data)
	if err != nil {
		var ye yaml.Error
		if errors.As(err, &ye) && ye.GetToken() != nil {
			msg, _, _ := strings.Cut(ye.GetMessage(), "\n")
			d.problem("", at(ye.GetToken()), "YAML syntax: %s", msg)
			return
		}
		msg, _, _ := strings.Cut(err.Error(), "\n")
		d.problem("", position{}, "YAML syntax: %s", msg)
		return
	}
	for i, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if i > 0 {
			d.problem("", start(doc.Body), "a second YAML document is not allowed")
			return
		}
		d.value("", doc.Body, to, fieldTag{})
	}
}

// parse is the library's parser with its panics on odd input made errors.
func parse(data []byte) (f *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, err = nil, fmt.Errorf("the text cannot be parsed")
		}
	}()
	return parser.ParseBytes(data, 0)
}

func invalidUTF8(data []byte) position {
	if utf8.Valid(data) {
		return position{}
	}
	p := position{1, 1}
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		if r == utf8.RuneError && n <= 1 {
			break
		}
		p.column++
		if r == '\n' {
			p = position{p.line + 1, 1}
		}
		data = data[n:]
	}
	return p
}

func at(t *token.Token) position {
	if t == nil || t.Position == nil {
		return position{}
	}
	return position{t.Position.Line, t.Position.Column}
}

// start returns where n begins; a mapping's own token is its first colon.
func start(n ast.Node) position {
	switch m := n.(type) {
	case *ast.MappingNode:
		if !m.IsFlowStyle && len(m.Values) > 0 {
			return at(m.Values[0].Key.GetToken())
		}
	case *ast.MappingValueNode:
		return at(m.Key.GetToken())
	}
	return at(n.GetToken())
}

func (d *document) problem(key string, p position, format string, args ...any) {
	d.problems = append(d.problems, Problem{
		Key: key, Message: fmt.Sprintf(format, args...),
		Source: d.source, Line: p.line, Column: p.column,
	})
}

// value stores the node n at path into v.
func (d *document) value(path string, n ast.Node, v reflect.Value, tag fieldTag) {
	where := at(n.GetToken())
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		d.problem(path, where, "uses a YAML anchor, alias or tag, which is not supported here; write the value out")
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(path, n, v)
	case reflect.Slice:
		d.sequence(path, n, v, tag)
	default:
		d.scalar(path, n, v, tag)
	}
}

func (d *document) mapping(path string, n ast.Node, v reflect.Value) {
	var pairs []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		pairs = m.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{m}
	case *ast.NullNode: // a section whose keys are all commented out
		return
	default:
		what := path
		if what == "" {
			d.problem("", at(n.GetToken()), "must be a mapping of keys to values")
			return
		}
		d.problem(what, at(n.GetToken()), "must be a mapping of keys to values")
		return
	}
	fields := map[string]int{}
	var names []string
	for i := range v.NumField() {
		t := tagOf(v.Type().Field(i))
		fields[t.key] = i
		names = append(names, t.key)
	}
	seen := map[string]bool{}
	for _, pair := range pairs {
		name := keyName(pair.Key)
		where := at(pair.Key.GetToken())
		full := joinKey(path, name)
		i, ok := fields[name]
		switch {
		case !ok:
			hint := didYouMean(name, names)
			if hint == "" {
				hint = elsewhere(name)
			}
			d.problem(full, where, "is not a known key%s", hint)
			continue
		case seen[name]:
			d.problem(full, where, "is given twice")
			continue
		}
		seen[name] = true
		d.positions[full] = where
		if pair.Value == nil {
			d.problem(full, where, "has no value")
			continue
		}
		d.value(full, pair.Value, v.Field(i), tagOf(v.Type().Field(i)))
	}
}

func keyName(k ast.MapKeyNode) string {
	if s, ok := k.(*ast.StringNode); ok {
		return s.Value
	}
	if t := k.GetToken(); t != nil {
		return t.Value
	}
	return k.String()
}

// elsewhere says under which section a misplaced key belongs.
func elsewhere(name string) string {
	for _, l := range leaves(Defaults()) {
		if strings.HasSuffix(l.path, "."+name) {
			return "; did you mean " + l.path + "?"
		}
	}
	return ""
}

func (d *document) sequence(path string, n ast.Node, v reflect.Value, tag fieldTag) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.problem(path, at(n.GetToken()), "must be a list")
		return
	}
	d.positions[path] = at(n.GetToken())
	out := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	if len(seq.Values) == 0 {
		out = reflect.Zero(v.Type())
	}
	before := len(d.problems)
	for i, e := range seq.Values {
		item := path + "[" + strconv.Itoa(i) + "]"
		d.positions[item] = start(e)
		d.value(item, e, out.Index(i), fieldTag{secret: tag.secret})
	}
	if len(d.problems) == before {
		v.Set(out)
		d.set = append(d.set, path)
	}
}

func (d *document) scalar(path string, n ast.Node, v reflect.Value, tag fieldTag) {
	var text, kind string
	switch s := n.(type) {
	case *ast.StringNode:
		text, kind = s.Value, "text"
	case *ast.LiteralNode:
		text, kind = s.Value.Value, "text"
	case *ast.IntegerNode:
		text, kind = s.Token.Value, "number"
	case *ast.FloatNode:
		text, kind = s.Token.Value, "number"
	case *ast.BoolNode:
		text, kind = s.Token.Value, "true or false"
	case *ast.NullNode:
		d.problem(path, d.positions[path], "has no value")
		return
	default:
		d.problem(path, at(n.GetToken()), "must be %s", wanted(v.Kind()))
		return
	}
	where := at(n.GetToken())
	if kind == "text" && v.Kind() != reflect.String {
		d.problem(path, where, "is %s, must be %s", shown(text, tag), wanted(v.Kind()))
		return
	}
	if msg := setText(v, text, tag); msg != "" {
		d.problem(path, where, "%s", msg)
		return
	}
	d.positions[path] = where
	d.set = append(d.set, path)
}

func shown(text string, tag fieldTag) string {
	if tag.secret {
		return "a secret"
	}
	if len(text) > 40 {
		text = strings.ToValidUTF8(text[:40], "") + "…"
	}
	return strconv.Quote(text)
}

func wanted(k reflect.Kind) string {
	switch k {
	case reflect.Int:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	default:
		return "text"
	}
}

// setText stores the text of a scalar into v and returns what is wrong with it.
func setText(v reflect.Value, text string, tag fieldTag) string {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return fmt.Sprintf("is %s, must be %s", shown(text, tag), wanted(v.Kind()))
		}
		v.SetInt(n)
	case reflect.Bool:
		switch strings.ToLower(text) {
		case "true":
			v.SetBool(true)
		case "false":
			v.SetBool(false)
		default:
			return fmt.Sprintf("is %s, must be %s", shown(text, tag), wanted(v.Kind()))
		}
	default:
		return "cannot hold a scalar"
	}
	return ""
}
