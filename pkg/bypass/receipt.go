package bypass

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrReceipt means that a text is not a receipt of this stack.
var ErrReceipt = errors.New("that receipt is not right")

// Receipt is what a person takes home from a sign-up: when it was, and what it
// began. It is sealed, so that it tells nobody but this stack whether it began
// anything.
type Receipt struct {
	// Key and Joining name the joining that this very sign-up began; both are zero
	// where it began none.
	Key     string
	Joining int
	// At is the time of the sign-up, End when the receipt is over; whole seconds.
	At, End time.Time
}

// keyLength is the length of a mailbox's name, which Mailbox makes.
const keyLength = 28

// receiptLength is the length of a receipt that is not sealed yet: a flag, the
// key, the joining and two times. All receipts are of one length.
const receiptLength = 1 + keyLength + 4 + 8 + 8

// receiptBinding keeps a receipt from being taken for anything else that may one
// day be sealed under the key.
const receiptBinding = "raincheck receipt v1"

// SealReceipt makes the token of a receipt, safe in a URL: AES-256-GCM with a
// random nonce, under a key that derives from the root. It is always of the same
// length.
func (k *Keyring) SealReceipt(r Receipt, random io.Reader) (string, error) {
	aead := k.receipt
	sealed := make([]byte, aead.NonceSize(), aead.NonceSize()+receiptLength+aead.Overhead())
	if _, err := io.ReadFull(random, sealed); err != nil {
		return "", fmt.Errorf("sealing a receipt: %w", err)
	}
	plain := make([]byte, 1+keyLength, receiptLength)
	if r.Key != "" {
		if len(r.Key) != keyLength {
			return "", errors.New("sealing a receipt: the key is not the name of a mailbox")
		}
		plain[0] = 1
		copy(plain[1:], r.Key)
	}
	plain = binary.BigEndian.AppendUint32(plain, uint32(r.Joining))
	plain = binary.BigEndian.AppendUint64(plain, uint64(r.At.Unix()))
	plain = binary.BigEndian.AppendUint64(plain, uint64(r.End.Unix()))
	return base64.RawURLEncoding.EncodeToString(aead.Seal(sealed, sealed, plain, []byte(receiptBinding))), nil
}

// OpenReceipt reads the token of a receipt, one that is over too. Its only error
// is ErrReceipt.
func (k *Keyring) OpenReceipt(token string) (Receipt, error) {
	if len(token) > maxPass {
		return Receipt{}, ErrReceipt
	}
	aead := k.receipt
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(sealed) < aead.NonceSize() {
		return Receipt{}, ErrReceipt
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], []byte(receiptBinding))
	if err != nil || len(plain) != receiptLength {
		return Receipt{}, ErrReceipt
	}
	var r Receipt
	numbers := plain[1+keyLength:]
	if plain[0] == 1 {
		r.Key, r.Joining = string(plain[1:1+keyLength]), int(binary.BigEndian.Uint32(numbers))
	}
	r.At = time.Unix(int64(binary.BigEndian.Uint64(numbers[4:])), 0).UTC()
	r.End = time.Unix(int64(binary.BigEndian.Uint64(numbers[12:])), 0).UTC()
	return r, nil
}
