package handover

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// row is what a bulk mailer gets about one person. Addresses are exact, also
// those that a spreadsheet would take for a formula: a mailer reads them.
type row struct {
	Address  string `json:"address"`
	Language string `json:"language"`
	// Code is the code as a person reads it; Link uses it.
	Code string `json:"code"`
	Link string `json:"link"`
	// Expires is when the code dies, RFC 3339, UTC.
	Expires string `json:"expires"`
	// Leave is where the person can leave; it belongs into the mail and into its
	// List-Unsubscribe header.
	Leave string `json:"leave"`
}

func (l line) row() row {
	here := l.b.Room + "/" + l.Language
	return row{
		Address: l.Address, Language: l.Language, Code: l.Code.String(),
		Link:    here + "/code?c=" + url.QueryEscape(string(l.Code)),
		Expires: l.Expires.UTC().Format(time.RFC3339),
		Leave:   here + "/leave?t=" + url.QueryEscape(l.b.Keys.LeaveToken(l.Key, l.Joining)),
	}
}

// CheckName says what is wrong with the name of a file to write; nil for nothing.
func CheckName(name string) error {
	_, err := formatOf(name)
	return err
}

// formatOf gives the writer for a file's ending.
func formatOf(name string) (func([]line) ([]byte, error), error) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv":
		return asCSV, nil
	case ".jsonl":
		return asJSONLines, nil
	}
	return nil, fmt.Errorf("%s: the file's name must end in .csv or .jsonl, which says its format", name)
}

func asCSV(lines []line) ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	rows := [][]string{{"address", "language", "code", "link", "expires", "leave"}}
	for _, l := range lines {
		r := l.row()
		rows = append(rows, []string{r.Address, r.Language, r.Code, r.Link, r.Expires, r.Leave})
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("writing CSV: %w", err)
	}
	return out.Bytes(), nil
}

func asJSONLines(lines []line) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // a link's & stays one that a person can read
	for _, l := range lines {
		if err := encoder.Encode(l.row()); err != nil {
			return nil, fmt.Errorf("writing JSON lines: %w", err)
		}
	}
	return out.Bytes(), nil
}
