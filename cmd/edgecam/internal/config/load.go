package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
)

// Layer is one of the places a value can come from, in rising precedence.
type Layer uint8

// The layers.
const (
	LayerDefault Layer = iota
	LayerBoard
	LayerFile
	LayerProvisioned
	LayerEnvironment
	LayerFlag
)

var layerNames = [...]string{"default", "board", "file", "provisioned", "environment", "flag"}

// String returns the layer's name in lower case.
func (l Layer) String() string { return layerNames[l] }

// Origin says where a value came from.
type Origin struct {
	Layer  Layer
	Source string // file, variable or flag; empty for defaults
	Line   int    // in a file, else 0
	Column int
}

// String returns such as "file /etc/edgecam/edgecam.yaml:3:10".
func (o Origin) String() string {
	switch {
	case o.Source == "":
		return o.Layer.String()
	case o.Line > 0:
		return fmt.Sprintf("%s %s:%d:%d", o.Layer, o.Source, o.Line, o.Column)
	}
	return o.Layer.String() + " " + o.Source
}

// Text is a YAML text and its name for messages.
type Text struct {
	Name string
	YAML []byte
}

// Sources are the layers over the defaults. The zero value takes none but the
// file at DefaultPath if there is one.
type Sources struct {
	Board Text
	// Path is the file; "" means DefaultPath, which need not exist.
	Path        string
	Provisioned Text
	Environ     []string          // as os.Environ gives it
	Flags       map[string]string // key path to value
}

// Loaded is a checked configuration and where its values came from.
type Loaded struct {
	*Config
	Path     string            // file that was read, "" if none
	Origins  map[string]Origin // by leaf path; none means default
	Warnings Problems          // things to tell that do not stop the node
}

// Origin returns where the value of the key at path came from.
func (l *Loaded) Origin(path string) Origin { return l.Origins[path] }

// Load reads all layers, lays them over each other and checks the result. The
// error is Problems, holding everything that is wrong, or wraps the failure to
// read the file.
func Load(s Sources) (*Loaded, error) {
	out := &Loaded{Config: Defaults(), Origins: map[string]Origin{}}
	text, err := s.file()
	if err != nil {
		return nil, err
	}
	out.Path = text.Name
	var problems Problems
	positions := map[string]Origin{} // of every key, for the checks below
	lay := func(layer Layer, t Text) {
		if len(t.YAML) == 0 {
			return
		}
		d := document{source: t.Name}
		d.apply(out.Config, t.YAML)
		problems = append(problems, d.problems...)
		for key, p := range d.positions {
			positions[key] = Origin{layer, t.Name, p.line, p.column}
		}
		for _, path := range d.set {
			if i := strings.IndexByte(path, '['); i < 0 {
				out.Origins[path] = positions[path]
			}
		}
	}
	lay(LayerBoard, s.Board)
	lay(LayerFile, text)
	lay(LayerProvisioned, s.Provisioned)
	all := leaves(out.Config)
	override := func(layer Layer, source, text string, l leaf) {
		if msg := setOverride(l, text); msg != "" {
			problems = append(problems, Problem{Key: l.path, Message: msg, Source: source})
			return
		}
		out.Origins[l.path] = Origin{Layer: layer, Source: source}
		positions[l.path] = out.Origins[l.path]
	}
	known := make([]string, len(all))
	for i, l := range all {
		known[i] = EnvName(l.path)
	}
	for _, kv := range s.Environ {
		name, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "EDGECAM_") || value == "" || slices.Contains(reservedEnv, name) {
			continue
		}
		if i := slices.Index(known, name); i >= 0 {
			override(LayerEnvironment, name, value, all[i])
			continue
		}
		out.Warnings = append(out.Warnings, Problem{Message: "is not a known variable" + didYouMean(name, known), Source: name})
	}
	for _, l := range all {
		if value, ok := s.Flags[l.path]; ok {
			override(LayerFlag, flagName(l.path), value, l)
		}
	}
	problems = append(problems, unknownFlags(s.Flags, all)...)
	for _, p := range out.Config.Validate() {
		o := nearest(positions, p.Key)
		p.Source, p.Line, p.Column = o.Source, o.Line, o.Column
		problems = append(problems, p)
	}
	if len(problems) > 0 {
		problems.sort()
		return nil, problems
	}
	return out, nil
}

// unknownFlags reports the keys of flags that are no leaves.
func unknownFlags(flags map[string]string, all []leaf) Problems {
	var p Problems
	paths := make([]string, len(all))
	for i, l := range all {
		paths[i] = l.path
	}
	for _, key := range slices.Sorted(maps.Keys(flags)) {
		if slices.Contains(paths, key) {
			continue
		}
		hint := didYouMean(key, paths)
		if hint == "" {
			hint = elsewhere(key)
		}
		p = append(p, Problem{Key: key, Message: "is not a known key" + hint, Source: "--set"})
	}
	return p
}

// reservedEnv are variables of other purposes: kernel sets, the file's name,
// tests.
var reservedEnv = []string{"EDGECAM_CPU", "EDGECAM_CONFIG", "EDGECAM_BOARD", "EDGECAM_CI", "EDGECAM_SHARED", "EDGECAM_BOOT_ID", "EDGECAM_UPDATE_DIR", "EDGECAM_SLOT", "EDGECAM_INSTALLED"}

// flagName returns how a flag for path is written on the command line: the
// three devices and the listen address have short ones.
func flagName(path string) string {
	short := map[string]string{
		"camera.source": "--camera", "microphone.source": "--microphone",
		"speaker.source": "--speaker", "http.listen": "--listen", "http.https_listen": "--https-listen",
	}
	if s, ok := short[path]; ok {
		return s
	}
	return "--" + strings.NewReplacer(".", "-", "_", "-").Replace(path)
}

// nearest returns the origin of key or of the key above it that has one.
func nearest(positions map[string]Origin, key string) Origin {
	for key != "" {
		if o, ok := positions[key]; ok {
			return o
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return Origin{}
}

func setOverride(l leaf, text string) string {
	if l.v.Kind() != reflect.Slice {
		return setText(l.v, text, l.tag)
	}
	if l.v.Type().Elem().Kind() == reflect.String && !strings.HasPrefix(text, "[") {
		var list []string
		for item := range strings.SplitSeq(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
		l.v.Set(reflect.ValueOf(list))
		return ""
	}
	// Lists of mappings are given as YAML in one line: [{urls: [stun:…]}].
	file, err := parse([]byte(text))
	if err != nil || len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return "is not a YAML list"
	}
	d := document{positions: map[string]position{}}
	d.value(l.path, file.Docs[0].Body, l.v, l.tag)
	if len(d.problems) > 0 {
		return d.problems[0].Message
	}
	return ""
}

func (s Sources) file() (Text, error) {
	path := s.Path
	if path == "" {
		path = DefaultPath
	}
	f, err := os.Open(path)
	if err != nil {
		if s.Path == "" && errors.Is(err, fs.ErrNotExist) {
			return Text{}, nil
		}
		return Text{}, fmt.Errorf("config: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return Text{}, fmt.Errorf("config: %w", err)
	}
	return Text{path, data}, nil
}
