package intake

import (
	"context"
	"errors"
	"html"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// printed keeps the page after a sign-up as it was rendered last, in each language,
// with blanks for what is the visitor's own. A crowd gets the same page again and
// again, and rendering it took a fifth as long as the write to the store.
type printed struct {
	mu sync.Mutex
	by map[string]*sheet // by the language's tag
}

// sheet is a rendered page: texts, and what stands between each and the next.
type sheet struct {
	of     edition
	texts  []string
	blanks []byte
}

// edition is what the page was rendered from beside the visitor's own.
type edition struct {
	look     *look
	said     said
	progress string
	back     bool // there is a way back to take along
}

// blank begins a blank, and one letter ends it: a for the address, r for the
// receipt, t for the way back. No escaping changes letters and digits, and no
// sentence of ours has this one; what a visitor typed is never searched for it, and a
// page in which an operator wrote it is rendered each time.
const blank = "0blank0"

// errNotOurs means that an operator's text has the word that begins a blank.
var errNotOurs = errors.New("a blank that is not ours")

// html is the page after a sign-up, as w.html renders it.
func (p *printed) html(ctx context.Context, w *view) (string, error) {
	if w.Open || w.Receipt == "" {
		return w.html(ctx) // rare
	}
	s, err := p.sheet(ctx, w)
	switch {
	case errors.Is(err, errNotOurs):
		return w.html(ctx)
	case err != nil:
		return "", err
	}
	var out strings.Builder
	out.Grow(pageSize)
	for i, text := range s.texts {
		out.WriteString(text)
		if i == len(s.blanks) {
			break
		}
		switch s.blanks[i] {
		case 'a':
			out.WriteString(html.EscapeString(w.values[w.valueOf("email")]))
		case 'r':
			out.WriteString(w.Receipt) // safe in a URL
		case 't':
			out.WriteString(url.QueryEscape(w.To))
		}
	}
	return out.String(), nil
}

// sheet is the last one if it is of today's edition, else a new one.
func (p *printed) sheet(ctx context.Context, w *view) (*sheet, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := edition{w.Look, w.Said, w.Progress, w.query() != ""}
	if s := p.by[w.Lang.Tag]; s != nil && s.of == of {
		return s, nil
	}
	master := *w
	master.values = slices.Clone(w.values)
	master.values[w.valueOf("email")], master.Receipt = blank+"a", blank+"r"
	if of.back {
		master.To = blank + "t"
	}
	text, err := master.html(ctx)
	if err != nil {
		return nil, err
	}
	s := &sheet{of: of, texts: strings.Split(text, blank)}
	for i, text := range s.texts[1:] {
		if text == "" || !strings.Contains("art", text[:1]) {
			return nil, errNotOurs
		}
		s.blanks, s.texts[i+1] = append(s.blanks, text[0]), text[1:]
	}
	if p.by == nil {
		p.by = map[string]*sheet{}
	}
	p.by[w.Lang.Tag] = s
	return s, nil
}
