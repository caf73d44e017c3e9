package stack

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// Parts are what a switch needs of a stack, and when the stack said so.
type Parts struct {
	// EdgeStore is the ARN of the store at the edge, Table the name of the table.
	EdgeStore string    `json:"edgeStore"`
	Table     string    `json:"table"`
	At        time.Time `json:"at"`
}

func (p Parts) same(q Parts) bool { return p.EdgeStore == q.EdgeStore && p.Table == q.Table }

// memory is the file that keeps the parts of each stack that was spoken to, so
// that an emergency does not need CloudFormation.
func memory() (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "raincheck", "stacks.json"), err
}

// stackKey tells stacks of one name in two regions apart.
func stackKey(name string) string {
	for _, region := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if v := os.Getenv(region); v != "" {
			return v + "/" + name
		}
	}
	return name
}

// Remembered is the parts that a stack had last; empty when nothing is remembered,
// or the file cannot be read.
func Remembered(name string) Parts {
	all := map[string]Parts{}
	path, err := memory()
	if err != nil {
		return Parts{}
	}
	data, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(data, &all) != nil {
		return Parts{}
	}
	return all[stackKey(name)]
}

// Remember keeps the parts of a stack. That they cannot be kept must not stop a
// switch.
func Remember(name string, parts Parts) {
	path, err := memory()
	if err != nil || Remembered(name).same(parts) {
		return
	}
	all := map[string]Parts{}
	if data, err := os.ReadFile(path); err == nil && json.Unmarshal(data, &all) != nil {
		all = map[string]Parts{}
	}
	all[stackKey(name)] = parts
	data, err := json.Marshal(all)
	if err != nil || os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return
	}
	// By rename: two commands at once leave one whole file.
	part, err := os.CreateTemp(filepath.Dir(path), "stacks-*")
	if err != nil {
		return
	}
	_, err = part.Write(data)
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		os.Remove(part.Name())
	}
}
