package intake_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
	"raincheck/pkg/intake"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

// A waiting room on a store in memory, and somebody who joins.
func ExampleService() {
	ctx := context.Background()
	store := &store.Store{}
	_ = store.UpdateControl(ctx, func(c *waitlist.Control) error { c.Mode = gate.Throttle; return nil })
	keys, err := bypass.ParseKeyring([]byte(`{"root":"an example's root, known to everybody"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	room, err := intake.Service{
		Settings: intake.Settings{Site: "Example Benefits", Sender: "queue@example.org", PassLife: time.Hour, Origins: []string{"https://www.example.org"}},
		Store:    store,
		Keys:     func(context.Context) (*bypass.Keyring, error) { return keys, nil },
		Now:      time.Now,
	}.Handler()
	if err != nil {
		fmt.Println(err)
		return
	}

	form := url.Values{"email": {"ana@example.org"}, "stamp": {keys.Stamp(time.Now())}}
	post := httptest.NewRequest("POST", "https://www.example.org/waiting-room/en/?to=/apply", strings.NewReader(form.Encode()))
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	room.ServeHTTP(answer, post)

	e, err := store.Entry(ctx, keys.Mailbox("ana@example.org"))
	fmt.Println(answer.Code, e.Stage, e.Wanted, err)
	// Output: 200 waiting /apply <nil>
}
