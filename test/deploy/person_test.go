//go:build deploy

package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// person is somebody with a browser.
type person struct {
	*stack
	name, address, agent, ip string
	cookies                  map[string]string
	room                     string
	mail                     *mail
}

func (s *stack) person(name string) *person {
	n := 0
	for _, c := range s.name + name {
		n = n*31 + int(c)
	}
	return &person{stack: s, name: name, address: name + "@" + s.name + ".example.com", agent: "Browser of " + name, ip: fmt.Sprintf("203.0.113.%d", n&127+1), cookies: map[string]string{}}
}

// on is the same person in front of another deployment of the stack.
func (p *person) on(s *stack) *person {
	next := *p
	next.stack = s
	return &next
}

// ask sends one request as a browser does, and follows nothing.
func (p *person) ask(method, path string, body any) (int, http.Header, string) {
	p.Helper()
	if strings.HasPrefix(path, "https://"+host) {
		path = strings.TrimPrefix(path, "https://"+host)
	}
	var sent io.Reader
	kind := ""
	switch b := body.(type) {
	case nil:
	case url.Values:
		sent, kind = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	default:
		text, err := json.Marshal(b)
		p.must(err)
		sent, kind = bytes.NewReader(text), "application/json"
	}
	r, err := http.NewRequest(method, p.edge.server.URL+path, sent)
	p.must(err)
	r.Header.Set("User-Agent", p.agent)
	r.Header.Set("X-Forwarded-For", p.ip)
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	r.Header.Set("Accept-Language", "en")
	if kind == "application/json" {
		r.Header.Set("Accept", "application/json")
	} else {
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Origin", "https://"+host)
	}
	if p.sessions {
		// What a site's own sessions can be: more than an HTTP API takes.
		r.AddCookie(&http.Cookie{Name: "session", Value: strings.Repeat("s", 11000)})
	}
	for name, value := range p.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	response, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	p.must(err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	p.must(err)
	for _, c := range response.Cookies() {
		p.cookies[c.Name] = c.Value
	}
	return response.StatusCode, response.Header, string(answer)
}

// visits asks for a page and says whether it was the site that answered.
func (p *person) visits(path string) bool {
	p.Helper()
	status, header, body := p.ask("GET", path, nil)
	switch {
	case status == http.StatusOK && body == "the site":
		return true
	case status == http.StatusFound && strings.HasPrefix(header.Get("Location"), "/waiting-room"):
		p.room = header.Get("Location")
		return false
	}
	p.Fatalf("%s asks for %s and gets %d %s: %.300s", p.name, path, status, header.Get("Location"), body)
	return false
}

// joins leaves the address in the waiting room.
func (p *person) joins() {
	p.Helper()
	if p.visits("/apply/form") {
		p.Fatalf("%s is let in, and was to be turned away", p.name)
	}
	room, _, _ := strings.Cut(p.room, "?")
	stamp := ""
	for range 2 {
		var reply struct {
			Joined         bool
			Error, Stamp   string
			Message, Notes []string
		}
		status, _, answer := p.ask("POST", room, map[string]string{"email": p.address, "to": "/apply/form", "stamp": stamp})
		if err := json.Unmarshal([]byte(answer), &reply); err != nil {
			p.Fatalf("the waiting room answers %s with %d: %.300s", p.name, status, answer)
		}
		if reply.Joined {
			return
		}
		stamp = reply.Stamp
	}
	p.Fatalf("%s is not taken into the waitlist", p.name)
}

var link = regexp.MustCompile(`https://` + regexp.QuoteMeta(host) + `(/waiting-room/\S+/code\?c=[A-Za-z0-9%_-]+)`)

// redeems uses the code of the mail and goes on to the site.
func (p *person) redeems() {
	p.Helper()
	found := link.FindStringSubmatch(p.mail.text)
	if found == nil {
		p.Fatalf("the mail to %s has no link", p.name)
	}
	if status, _, body := p.ask("GET", found[1], nil); status != http.StatusOK || !strings.Contains(body, "<form") {
		p.Fatalf("the link of %s leads to %d: %.300s", p.name, status, body)
	}
	status, header, body := p.ask("POST", found[1], url.Values{})
	if status != http.StatusSeeOther {
		p.Fatalf("the code of %s is not taken: %d %.400s", p.name, status, body)
	}
	onward := header.Get("Location")
	status, header, _ = p.ask("GET", onward, nil)
	if status != http.StatusSeeOther {
		p.Fatalf("%s does not go on from %s: %d", p.name, onward, status)
	}
	if !p.visits(header.Get("Location")) {
		p.Fatalf("%s has a pass and is turned away", p.name)
	}
}
