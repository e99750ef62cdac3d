package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong with a configuration.
type Problem struct {
	Key     string `json:"key,omitempty"`    // full path, such as "video.speed"
	Message string `json:"message"`          // reads on from the key
	Source  string `json:"source,omitempty"` // file name, variable or flag
	Line    int    `json:"line,omitempty"`   // 1-based, 0 if not from a file
	Column  int    `json:"column,omitempty"` // 1-based, counted in characters
}

// String returns "edgecam.yaml:3:5: video.sped: unknown key".
func (p Problem) String() string {
	var b strings.Builder
	if p.Source != "" {
		b.WriteString(p.Source)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key)
		b.WriteByte(' ')
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems are all the things wrong with a configuration.
type Problems []Problem

// Error gives the first problem and how many more there are; callers who can
// show more range over the slice.
func (ps Problems) Error() string {
	switch len(ps) {
	case 0:
		return "config: no problem"
	case 1:
		return "config: " + ps[0].String()
	}
	return fmt.Sprintf("config: %s (and %d more)", ps[0], len(ps)-1)
}

// Err returns ps as an error, nil if it is empty.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// sort orders ps by source, in the order of first mention, then by position.
func (ps Problems) sort() {
	rank := map[string]int{}
	for _, p := range ps {
		if _, ok := rank[p.Source]; !ok {
			rank[p.Source] = len(rank)
		}
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(rank[a.Source], rank[b.Source]), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

func (ps *Problems) add(key, format string, args ...any) {
	*ps = append(*ps, Problem{Key: key, Message: fmt.Sprintf(format, args...)})
}

// under returns ps with the keys made relative to prefix.
func (ps Problems) under(prefix string) Problems {
	out := make(Problems, len(ps))
	for i, p := range ps {
		p.Key = joinKey(prefix, p.Key)
		out[i] = p
	}
	return out
}

func joinKey(prefix, key string) string {
	if prefix == "" || key == "" {
		return prefix + key
	}
	return prefix + "." + key
}

// didYouMean returns "; did you mean x?" for the known word nearest to word,
// or "" if none is near.
func didYouMean(word string, known []string) string {
	best, bestDistance := "", len(word)/3+2
	for _, k := range known {
		if d := editDistance(word, k); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// editDistance counts the insertions, deletions, substitutions and swaps of
// neighbours that make b of a. Words from outside are cut off at 64 bytes.
func editDistance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	var rows [3][66]int
	prev2, prev, cur := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
