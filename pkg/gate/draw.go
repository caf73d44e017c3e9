package gate

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Draw returns the number that decides about a visitor, in [0,1): the first 32
// bits of HMAC-SHA256 under the salt over network and user agent. It is below a
// with probability a, whatever the day, and below b > a whenever it is below a.
func Draw(salt, ip, userAgent string) float64 { return number(drawBits(salt, ip, userAgent)) }

// drawBits are the first 52 bits of that HMAC, as many as a JavaScript number
// holds with ease: the first 32 decide, the last 20 choose who is counted.
func drawBits(salt, ip, userAgent string) uint64 {
	h := hmac.New(sha256.New, []byte(salt))
	io.WriteString(h, Network(ip)+"|"+head(userAgent))
	return binary.BigEndian.Uint64(h.Sum(nil)) >> 12
}

func number(bits uint64) float64 { return float64(bits>>20) / (1 << 32) }

// counted says whether a visit is among the one in n that are. Bits that have no
// part in the answer make the choice independent of it and even over visitors;
// four characters of the request's id choose again each time the same visitor
// comes, so that nobody who reloads all day counts for n or for nothing, and no
// office behind one address either. Under a strict path they alone choose: the factor
// makes that even too, for n up to 500 and for round numbers.
func counted(bits uint64, id string, n int) bool {
	if n <= 0 {
		return false
	}
	units := utf16.Encode([]rune(id))
	var number uint64
	for i := 7; i < 11; i++ {
		number *= 26141
		if i < len(units) {
			number += uint64(units[i])
		}
	}
	return (bits&(1<<20-1)+number)%uint64(n) == 0
}

// Network is the part of an address that stays the same for a visitor: the IPv4
// address, or the /64 of an IPv6 address, because a device changes the rest at
// will. What is not an address stands for itself.
func Network(ip string) string {
	if strings.Contains(ip, ":") && strings.Contains(ip, ".") {
		// An IPv4 address at the end of an IPv6 address is what is looked at.
		ip = ip[strings.LastIndexByte(ip, ':')+1:]
	}
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	if a = a.Unmap(); a.Is4() {
		return a.String()
	}
	b := a.As16()
	var out []byte
	for i := 0; i < 8; i += 2 {
		if i > 0 {
			out = append(out, ':')
		}
		out = strconv.AppendUint(out, uint64(b[i])<<8|uint64(b[i+1]), 16)
	}
	return string(out)
}

// maxHeader is how much of a header is looked at, in JavaScript's characters.
const maxHeader = 256

// head is as much of a header as is looked at.
func head(s string) string {
	if len(s) <= maxHeader {
		return text(s)
	}
	units := utf16.Encode([]rune(s))
	return string(utf16.Decode(units[:min(maxHeader, len(units))]))
}

// text is s as JavaScript holds it: what is not UTF-8 became U+FFFD on the way
// in.
func text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
