package acl

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// term is an Erlang term as EMQX's acl.conf has them: an atom, a string, a tuple
// or a list.
type term struct {
	atom, text string
	tuple      []term
	list       []term
	kind       byte // 'a', 's', 't', 'l'
}

// erlang parses the terms of a file, each ended by a full stop.
type erlang struct {
	rest string
	err  error
}

func (p *erlang) space() {
	for {
		p.rest = strings.TrimLeft(p.rest, " \t\n")
		if !strings.HasPrefix(p.rest, "%") {
			return
		}
		_, p.rest, _ = strings.Cut(p.rest, "\n")
	}
}

func (p *erlang) fail(format string, args ...any) term {
	if p.err == nil {
		p.err = fmt.Errorf(format+" before %.40q", append(args, p.rest)...)
	}
	p.rest = ""
	return term{}
}

func (p *erlang) take(c byte) bool {
	p.space()
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

var (
	erlangAtom   = regexp.MustCompile(`^[a-z][A-Za-z0-9_@]*`)
	erlangString = regexp.MustCompile(`^"(?:[^"\\]|\\.)*"`)
)

func (p *erlang) many(end byte) (out []term) {
	for !p.take(end) {
		if len(out) > 0 && !p.take(',') {
			p.fail("neither , nor %c", end)
			return nil
		}
		out = append(out, p.term())
		if p.err != nil {
			return nil
		}
	}
	return out
}

func (p *erlang) term() term {
	p.space()
	if m := erlangAtom.FindString(p.rest); m != "" {
		p.rest = p.rest[len(m):]
		return term{atom: m, kind: 'a'}
	}
	if m := erlangString.FindString(p.rest); m != "" {
		p.rest = p.rest[len(m):]
		text, err := strconv.Unquote(m)
		if err != nil {
			return p.fail("string %s", m)
		}
		return term{text: text, kind: 's'}
	}
	switch {
	case p.take('{'):
		return term{tuple: p.many('}'), kind: 't'}
	case p.take('['):
		return term{list: p.many(']'), kind: 'l'}
	}
	return p.fail("no term")
}

// emqxRule is a rule of acl.conf.
type emqxRule struct {
	allow  bool
	who    func(username string) bool
	action string // "publish", "subscribe" or "all"
	topics []string
}

// parseEMQX reads acl.conf by its documented grammar: {allow | deny, WHO, ACTION,
// [TOPIC, …]}. or {allow | deny, all}., WHO being all, {username, NAME} or
// {username, {re, PATTERN}}, TOPIC a filter in which ${username} stands for the
// client's name.
func parseEMQX(t *testing.T, text string) (rules []emqxRule) {
	t.Helper()
	p := &erlang{rest: text}
	for p.space(); p.rest != ""; p.space() {
		x := p.term()
		if !p.take('.') {
			p.fail("no full stop")
		}
		if p.err != nil {
			t.Fatal(p.err)
		}
		if x.kind != 't' || len(x.tuple) != 2 && len(x.tuple) != 4 || x.tuple[0].atom != "allow" && x.tuple[0].atom != "deny" {
			t.Fatalf("no rule: %+v", x)
		}
		r := emqxRule{allow: x.tuple[0].atom == "allow", action: "all", who: func(string) bool { return true }}
		who := x.tuple[1]
		switch {
		case who.atom == "all":
		case who.kind == 't' && len(who.tuple) == 2 && who.tuple[0].atom == "username" && who.tuple[1].kind == 's':
			r.who = func(name string) bool { return name == who.tuple[1].text }
		case who.kind == 't' && len(who.tuple) == 2 && who.tuple[0].atom == "username" && who.tuple[1].kind == 't' &&
			len(who.tuple[1].tuple) == 2 && who.tuple[1].tuple[0].atom == "re":
			re, err := regexp.Compile(who.tuple[1].tuple[1].text)
			if err != nil {
				t.Fatal(err)
			}
			r.who = re.MatchString
		default:
			t.Fatalf("nobody: %+v", who)
		}
		if len(x.tuple) == 4 {
			r.action = x.tuple[2].atom
			if r.action != "publish" && r.action != "subscribe" && r.action != "all" || x.tuple[3].kind != 'l' || len(x.tuple[3].list) == 0 {
				t.Fatalf("no rule: %+v", x)
			}
			for _, topic := range x.tuple[3].list {
				if topic.kind != 's' || topic.text == "" {
					t.Fatalf("no topic: %+v", topic)
				}
				r.topics = append(r.topics, topic.text)
			}
		}
		rules = append(rules, r)
	}
	return rules
}

// TestEMQX: what is printed for EMQX keeps to the file's grammar, ends with a
// refusal, and decides as the embedded broker does: the first rule that matches
// counts.
func TestEMQX(t *testing.T) {
	rules := parseEMQX(t, EMQX())
	if last := rules[len(rules)-1]; last.allow || last.action != "all" || last.topics != nil || !last.who("anybody") {
		t.Errorf("the last rule is no refusal: %+v", last)
	}
	decide := func(cn, topic string, write bool) bool {
		action := map[bool]string{true: "publish", false: "subscribe"}[write]
		for _, r := range rules {
			if !r.who(cn) || r.action != "all" && r.action != action {
				continue
			}
			match := r.topics == nil
			for _, filter := range r.topics {
				match = match || covers(strings.ReplaceAll(filter, "${username}", cn), topic)
			}
			if match {
				return r.allow
			}
		}
		return false
	}
	names := []string{a, b, Claim, Authority, Operator, Operator + "-eve", Viewer, Viewer + "-phone", Home, "operators", "stranger", "ec-00", a + "x", "", "claim2"}
	var topics []string
	for _, name := range []string{a, b, "+"} {
		for _, below := range []string{"up/evt", "up/#", "up/ha/ring", "up/rtc/x", "up/crt", "up/birth", "dn/cmd", "dn/des", "dn/#", "dn/ha/lock", "dn/rtc", "dn/crt"} {
			topics = append(topics, "ec1/d/"+name+"/"+below)
		}
		topics = append(topics, "homeassistant/device/"+name+"/config")
	}
	topics = append(topics, "#", "ec1/#", "ec1/prov/0123456789abcdef/req", "ec1/prov/0123456789abcdef/res", "ec1/prov/+/req", "ec1/g/lobby/dn/des",
		"ec1/g/+/dn/des", "homeassistant/status", "homeassistant/#", "$SYS/#", "x")
	allowed := 0
	for _, cn := range names {
		for _, topic := range topics {
			for _, write := range []bool{true, false} {
				want := Allowed(cn, topic, write)
				if want {
					allowed++
				}
				if got := decide(cn, topic, write); got != want {
					t.Errorf("%s %s, write %v: %v, the embedded broker says %v", cn, topic, write, got, want)
				}
			}
		}
	}
	if allowed < 50 {
		t.Errorf("only %d of the cases are allowed", allowed)
	}
	for _, bad := range []string{`{allow, all}`, `{allow, {username "x"}}.`, `{allow, all, publish, ["x]}.`} {
		if p := (&erlang{rest: bad}); func() bool { p.term(); return p.take('.') && p.err == nil }() {
			t.Errorf("the parser takes %s", bad)
		}
	}
}
