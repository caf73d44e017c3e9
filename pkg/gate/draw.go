package gate

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"net/netip"
	"strconv"
)

// Draw returns the number that decides about a visitor, in [0,1): the first 32
// bits of HMAC-SHA256 under the salt over network and user agent. It is below a
// with probability a, whatever the day, and below b > a whenever it is below a.
func Draw(salt, ip, userAgent string) float64 {
	h := hmac.New(sha256.New, []byte(salt))
	io.WriteString(h, Network(ip)+"|"+text(userAgent))
	return float64(binary.BigEndian.Uint32(h.Sum(nil))) / (1 << 32)
}

// Network is the part of an address that stays the same for a visitor: the IPv4
// address, or the /64 of an IPv6 address, because a device changes the rest at
// will. What is no address stands for itself.
func Network(ip string) string {
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

// text is s as JavaScript holds it: what is not UTF-8 became U+FFFD on the way
// in.
func text(s string) string { return string([]rune(s)) }
