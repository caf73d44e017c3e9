package bypass

import (
	"crypto/hmac"
	"errors"
	"strconv"
	"strings"
	"time"
)

var (
	// ErrLeave means that a text is not a leave token of this stack.
	ErrLeave = errors.New("that link to leave is not right")
	// ErrStamp means that a text is not a form's stamp of this stack.
	ErrStamp = errors.New("that form is not one of ours")
	// ErrStampOld means that the stamp is ours and too old: the form is to be
	// shown again, with what was typed.
	ErrStampOld = errors.New("that form is too old")
)

// MaxStampAge is the oldest form that can be told from a forged one after its
// key was replaced.
const MaxStampAge = 24 * time.Hour

// LeaveToken makes the token of the link with which a person leaves the line:
// whose entry (Mailbox's name) and which joining, so that an old mail cannot end
// a later place. It never dies, because a mail may be opened in a year, and its
// key derives from the root for the same reason. It is 52 to 62 characters, safe
// in a URL.
func (k *Keyring) LeaveToken(key string, joining int) string {
	text := key + "." + strconv.Itoa(joining)
	return text + "." + tag(k.leave, text)
}

// VerifyLeave reads a leave token. Its only error is ErrLeave.
func (k *Keyring) VerifyLeave(token string) (key string, joining int, err error) {
	i := strings.LastIndexByte(token, '.')
	if i < 0 || len(token) > maxPass || !hmac.Equal([]byte(tag(k.leave, token[:i])), []byte(token[i+1:])) {
		return "", 0, ErrLeave
	}
	key, n, _ := strings.Cut(token[:i], ".")
	joining, err = strconv.Atoi(n)
	if err != nil {
		return "", 0, ErrLeave
	}
	return key, joining, nil
}

// Stamp makes the stamp of a form: when it was shown, and by whom. It is the
// same for everybody in the same second, so that the page can be cached.
func (k *Keyring) Stamp(now time.Time) string {
	c := k.signer(now)
	text := strconv.Itoa(c.id) + "." + strconv.FormatInt(now.Unix(), 10)
	return text + "." + tag(c.form, text)
}

// VerifyStamp returns nil for a stamp no older than maxAge, ErrStampOld for an
// older one of ours, and ErrStamp for anything else.
func (k *Keyring) VerifyStamp(stamp string, now time.Time, maxAge time.Duration) error {
	f := strings.Split(stamp, ".")
	if len(stamp) > maxPass || len(f) != 3 {
		return ErrStamp
	}
	id, err := strconv.Atoi(f[0])
	c, known := k.find(id)
	if err != nil || !known || c.dead(now, MaxStampAge) {
		return ErrStamp
	}
	if !hmac.Equal([]byte(tag(c.form, f[0]+"."+f[1])), []byte(f[2])) {
		return ErrStamp
	}
	at, err := strconv.ParseInt(f[1], 10, 64)
	switch shown := time.Unix(at, 0); {
	case err != nil, shown.After(now.Add(ClockGrace)):
		return ErrStamp
	case now.Sub(shown) > maxAge:
		return ErrStampOld
	}
	return nil
}
