package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/intake/posted"
	"raincheck/pkg/metric"
	"raincheck/pkg/site"
	"raincheck/pkg/waitlist"
)

// store is what the room asks of the waitlist. Errors that it tells apart are
// named at each method; any other means that nothing is known to be saved.
type store interface {
	// Join puts a mailbox at the end of the line, in one conditional request.
	// Already there, or suppressed: no error and New is false.
	Join(ctx context.Context, s waitlist.Signup) (waitlist.Joined, error)
	// Redeem adds a use to a code. waitlist.ErrUsedUp and waitlist.ErrRevoked keep
	// the bearer out; no item for the code does not.
	Redeem(ctx context.Context, r waitlist.Redemption) (waitlist.Redeemed, error)
	// Leave ends a joining. waitlist.ErrStale and waitlist.ErrUnknown mean that it
	// is over already.
	Leave(ctx context.Context, ref waitlist.Ref, at time.Time) error
	// Quiet notes that no further mail is wanted; the code works on. Errors are
	// Leave's.
	Quiet(ctx context.Context, ref waitlist.Ref, at time.Time) error
	// Ticket reads what is known of a code; waitlist.ErrUnknown for nothing.
	Ticket(ctx context.Context, code bypass.Code) (waitlist.Ticket, error)
	// Expire ends a joining whose code died; waitlist.ErrStale when it has ended.
	Expire(ctx context.Context, ref waitlist.Ref, at time.Time) error
	// Rejoin gives the owner of a joining that expired the old place back, once;
	// waitlist.ErrStale when there is nothing to give back.
	Rejoin(ctx context.Context, s waitlist.Signup, expired waitlist.Ref) (waitlist.Joined, error)
	// NoticeIn reads what the operator wants, how far the line has got, and what is said
	// about the site in a language, in one request.
	NoticeIn(ctx context.Context, language string) (waitlist.Control, waitlist.Progress, site.Words, error)
}

// Field is something beside the address that the operator wants to know, such
// as a state. A person may always leave it out.
type Field struct {
	// Name is its name in the form, in JSON and in the export: a lower-case letter,
	// then lower-case letters, digits and underscores, at most 32 in all.
	Name string
	// Labels are what the form calls it, by language; a language without one has
	// the default language's.
	Labels map[string]string
}

// Settings are what an operator sets once.
type Settings struct {
	// Site is the name of the site while its words have none: its host.
	Site string
	// Sender is the address that invitations come from, for the pages to name: a
	// person looks for it in a spam folder.
	Sender string
	// Languages are the tags that the room is offered in, the default first. None
	// means all that there are words for.
	Languages []string
	// Fields are at most waitlist.MaxFields.
	Fields []Field
	// PassLife is how long a pass is good for between renewals, as in the gate.
	PassLife time.Duration
	// Origins are the site's own, such as https://www.example.org: behind a CDN the
	// handler sees another Host than the visitor, and a form is taken from these.
	Origins []string
	// Embedders are origins of other sites whose pages may carry embed.js.
	Embedders []string
}

// Service is the waiting room. All fields without a default must be set.
type Service struct {
	Settings
	// Store is the waitlist.
	Store store
	// Keys gives the key ring; it is asked on every request and should cache.
	Keys func(context.Context) (*bypass.Keyring, error)
	// Secrets gives the values that gate.OriginHeader may have, more than one while they
	// are rotated. shown is the value in the request: an implementation that caches
	// may read the secret again only when shown is not the value that it has. Nil
	// accepts every request: on one machine there is no CDN to go around.
	Secrets func(ctx context.Context, shown string) ([]string, error)
	// Viewer names the client of a request, so that a form posted twice by one
	// browser is not taken for two people. The name is hashed with a key at once and
	// never kept. Nil, or an empty name, makes every post without a pass a new
	// browser. Behind a CDN, take care that a client cannot choose it (Forwarded).
	Viewer func(*http.Request) string
	// NoticeLife is how long the notice (the operator's switch and message, the
	// progress, the site's words) is cached; 0 is
	// half a minute. Where virtual time runs ahead of Now, half a minute is long.
	NoticeLife time.Duration
	// Now is the clock.
	Now func() time.Time
	// Shown gives a time of Now's clock as readers see it; nil is as it is. A
	// demonstration lives by one clock and shows another.
	Shown func(time.Time) time.Time
	// Log gets one line for every request that used a code or failed; no address, code
	// or client is in it. A sign-up is counted, and has none. Nil is none.
	Log *slog.Logger
	// Count takes the numbers for the metrics. Nil is none.
	Count func(name metric.Name, n float64)
}

// The bounds of what the room takes and waits for.
const (
	// MaxFormAge is how old a form may be (docs/design.md, decision 10).
	MaxFormAge = 2 * time.Hour
	// noticeLife is Service.NoticeLife's default.
	noticeLife = 30 * time.Second
	// pageLife is how long the CDN may keep a page.
	pageLife = time.Minute
	// retryAfter is what a person is told to wait when nothing could be saved.
	retryAfter = 30 * time.Second
	// patience is how long a request may wait for the secrets and the store
	// together: somebody is looking at a blank page. The function itself ends at 10 s
	// (template.yaml), and says nothing then.
	patience = 8 * time.Second
)

// isFieldName says that a field can be called so. A regular expression for it would
// be compiled at every start of a process.
func isFieldName(s string) bool {
	for i, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return 0 < len(s) && len(s) <= 32
}

// validate reports everything that is wrong with the service at once.
func (s *Service) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if strings.TrimSpace(s.Site) == "" {
		bad("the site has no name")
	}
	if _, err := email.Parse(s.Sender); err != nil {
		bad("the sender is not an address")
	}
	for _, tag := range s.Languages {
		if _, ok := email.LanguageOf(tag); !ok {
			bad("unknown language %q", tag)
		}
	}
	if len(s.Fields) > waitlist.MaxFields {
		bad("%d fields are asked for, and at most %d can be", len(s.Fields), waitlist.MaxFields)
	}
	for i, f := range s.Fields {
		if !isFieldName(f.Name) || slices.Contains(posted.Reserved, f.Name) {
			bad("a field cannot be called %q", f.Name)
		}
		if slices.ContainsFunc(s.Fields[:i], func(g Field) bool { return g.Name == f.Name }) {
			bad("two fields are called %q", f.Name)
		}
	}
	if s.PassLife < time.Minute || s.PassLife > bypass.MaxPassLife {
		bad("a pass is to be good for %s, and must be for a minute to %s", s.PassLife, bypass.MaxPassLife)
	}
	for _, origin := range slices.Concat(s.Origins, s.Embedders) {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin {
			bad("%q is not an origin (a scheme and a host, nothing behind it)", origin)
		}
	}
	if s.Store == nil || s.Keys == nil || s.Now == nil {
		bad("missing Store, Keys or Now")
	}
	return errors.Join(errs...)
}

// Handler returns the handler for everything under gate.Room. Its error names
// every setting that is wrong.
func (s Service) Handler() (http.Handler, error) {
	if len(s.Languages) == 0 {
		for _, l := range email.Languages() {
			s.Languages = append(s.Languages, l.Tag)
		}
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.NoticeLife == 0 {
		s.NoticeLife = noticeLife
	}
	if s.Count == nil {
		s.Count = func(metric.Name, float64) {}
	}
	if s.Shown == nil {
		s.Shown = func(t time.Time) time.Time { return t }
	}
	if s.Viewer == nil {
		s.Viewer = func(*http.Request) string { return "" }
	}
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("the waiting room: %w", err)
	}
	rm := &room{Service: s, foreign: http.NewCrossOriginProtection()}
	rm.unread = rm.named(unread)
	for _, origin := range slices.Concat(s.Origins, s.Embedders) {
		if err := rm.foreign.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("the waiting room: trusting an origin: %w", err)
		}
	}
	for _, tag := range s.Languages {
		l, _ := email.LanguageOf(tag)
		rm.languages = append(rm.languages, l)
	}
	return rm, nil
}

// Forwarded returns a Service.Viewer that takes the n-th address from the right
// of X-Forwarded-For. Each proxy that can be trusted puts one there; what stands
// further left was sent by the client, which may write what it likes.
//
// Behind CloudFront and an HTTP API it is the second: CloudFront puts the
// visitor's address behind whatever came (Developer Guide, "Request and response
// behavior for custom origins", client IP addresses), and the API puts the address
// of CloudFront's edge behind that. Where there are fewer the answer is empty,
// which makes every posting a new browser: stricter, never laxer.
func Forwarded(n int) func(*http.Request) string {
	return func(r *http.Request) string {
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if len(hops) < n {
			return ""
		}
		return strings.TrimSpace(hops[len(hops)-n])
	}
}

// here is the path of the room in a language.
func here(l email.Language) string { return gate.Room + "/" + l.Tag }
