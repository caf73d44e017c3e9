package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/feedback"
	"raincheck/pkg/operator"
	"raincheck/pkg/waitlist"
)

// Person is POST api/person: what `raincheck import` and `raincheck forget` ask
// about one person of a local instance. It is answered with a PersonPlace. The
// outbox beside it shows every address in any case.
type Person struct {
	// Do is keys (no person is needed), look, join, forget or cameback.
	Do      string `json:"do"`
	Address string `json:"address,omitempty"`
	// The next three are of a mail that came back: how, and of which joining and attempt.
	Kind    feedback.Kind `json:"kind,omitempty"`
	Joining int           `json:"joining,omitempty"`
	Attempt int           `json:"attempt,omitempty"`
	// The rest is of somebody who joins.
	Joined   time.Time         `json:"joined,omitzero"`
	Language string            `json:"language,omitempty"`
	Wanted   string            `json:"wanted,omitempty"`
	Fields   map[string]string `json:"fields,omitempty"`
}

// PersonPlace is what the waitlist knows of a person.
type PersonPlace struct {
	// There says that there is an entry, which the next six tell of.
	There      bool           `json:"there,omitempty"`
	Stage      waitlist.Stage `json:"stage,omitempty"`
	Joined     time.Time      `json:"joined,omitzero"`
	Joining    int            `json:"joining,omitempty"`
	Attempt    int            `json:"attempt,omitempty"`
	Suppressed bool           `json:"suppressed,omitempty"`
	Complained bool           `json:"complained,omitempty"`
	Unreadable bool           `json:"unreadable,omitempty"`
	// New says that the person has joined now.
	New bool `json:"new,omitempty"`
	// RowKey and Now answer keys: bypass.Keyring.RowKey, and the instance's time.
	RowKey []byte    `json:"rowKey,omitempty"`
	Now    time.Time `json:"now,omitzero"`
}

// Export is POST api/export; the answer is the export itself, and the number of
// its entries in the trailer Entries.
type Export struct {
	Format string           `json:"format"`
	Stages []waitlist.Stage `json:"stages,omitempty"`
}

// people is an instance whose waitlist can be taken out and in.
type people interface {
	// Person does it for the address, which is empty for keys. An error that is
	// operator.ErrChange is the caller's fault.
	Person(ctx context.Context, do Person, a email.Address) (PersonPlace, error)
	// Export writes the export, and says how many entries it has.
	Export(ctx context.Context, to io.Writer, e Export) (int, error)
}

func (c *Console) person(w http.ResponseWriter, r *http.Request) {
	var asked Person
	if !c.asksForPeople(w, r, &asked) {
		return
	}
	address, err := email.Parse(asked.Address)
	if !slices.Contains([]string{"keys", "look", "join", "forget", "cameback"}, asked.Do) || asked.Do != "keys" && err != nil {
		http.Error(w, "A person has an address and something to do: look, join, forget or cameback.", http.StatusUnprocessableEntity)
		return
	}
	place, err := c.People.Person(r.Context(), asked, address)
	if errors.Is(err, operator.ErrChange) {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	c.answer(w, place, err)
}

func (c *Console) export(w http.ResponseWriter, r *http.Request) {
	var asked Export
	if !c.asksForPeople(w, r, &asked) {
		return
	}
	w.Header().Set("Trailer", "Entries")
	w.Header().Set("Content-Type", "application/octet-stream")
	n, err := c.People.Export(r.Context(), w, asked)
	if err != nil {
		// Half an export must not look like a whole one.
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Entries", strconv.Itoa(n))
}

// asksForPeople reads a question about people, or answers why it is not one.
func (c *Console) asksForPeople(w http.ResponseWriter, r *http.Request, question any) bool {
	switch {
	case c.People == nil:
		http.NotFound(w, r)
	case !isJSON(r):
		http.Error(w, "People are asked for in JSON.", http.StatusUnsupportedMediaType)
	case json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(question) != nil:
		http.Error(w, "That is not JSON that raincheck sends.", http.StatusUnprocessableEntity)
	default:
		return true
	}
	return false
}

// Waitlist is the waitlist of a running demo, as an import and `raincheck
// forget` need it. It names a mailbox by its address; the instance has the keys.
type Waitlist struct {
	client *Client
	rowKey []byte
}

// Waitlist finds the waitlist, and gives the time of the instance, which may be
// another one than the wall's.
func (c *Client) Waitlist(ctx context.Context) (*Waitlist, time.Time, error) {
	place, err := c.person(ctx, Person{Do: "keys"})
	return &Waitlist{c, place.RowKey}, place.Now, err
}

func (c *Client) person(ctx context.Context, do Person) (place PersonPlace, err error) {
	err = c.ask(ctx, http.MethodPost, "person", do, &place)
	return place, err
}

// Mailbox names a mailbox.
func (l *Waitlist) Mailbox(mailbox string) string { return mailbox }

// RowKey is bypass.Keyring.RowKey of the instance.
func (l *Waitlist) RowKey() []byte { return l.rowKey }

// Join puts a mailbox into the line.
func (l *Waitlist) Join(ctx context.Context, s waitlist.Signup) (waitlist.Joined, error) {
	place, err := l.client.person(ctx, Person{
		Do: "join", Address: s.Address.Reveal(), Joined: s.At, Language: s.Language, Wanted: s.Wanted, Fields: s.Fields,
	})
	return waitlist.Joined{New: place.New}, err
}

// Entry says at which stage a mailbox is.
func (l *Waitlist) Entry(ctx context.Context, key string) (waitlist.Entry, error) {
	place, err := l.client.person(ctx, Person{Do: "look", Address: key})
	switch {
	case err != nil:
		return waitlist.Entry{}, err
	case place.Unreadable:
		return waitlist.Entry{}, waitlist.ErrUnreadable
	case !place.There:
		return waitlist.Entry{}, waitlist.ErrUnknown
	}
	return waitlist.Entry{
		Ref: waitlist.Ref{Key: key, Joining: place.Joining}, Stage: place.Stage, Joined: place.Joined, Attempt: place.Attempt,
		Suppressed: place.Suppressed, Complained: place.Complained,
	}, nil
}

// Forget removes a mailbox.
func (l *Waitlist) Forget(ctx context.Context, key string) error {
	_, err := l.client.person(ctx, Person{Do: "forget", Address: key})
	return err
}

// Handle takes an event about a mail that came back.
func (l *Waitlist) Handle(ctx context.Context, e feedback.Event) error {
	_, err := l.client.person(ctx, Person{Do: "cameback", Address: e.Key, Kind: e.Kind, Joining: e.Joining, Attempt: e.Attempt})
	return err
}

// Export writes the waitlist, and gives the number of entries. An error leaves
// what was written before it.
func (c *Client) Export(ctx context.Context, to io.Writer, e Export) (int, error) {
	response, err := c.send(ctx, &http.Client{}, http.MethodPost, "export", e)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if _, err := io.Copy(to, response.Body); errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, fmt.Errorf("%s broke off: the export is not whole", c.Name())
	} else if err != nil {
		return 0, fmt.Errorf("exporting: %w", err)
	}
	n, err := strconv.Atoi(response.Trailer.Get("Entries"))
	if err != nil {
		return 0, fmt.Errorf("%s does not say how many entries there are: the export may not be whole", c.Name())
	}
	return n, nil
}
