package stack

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// EdgeStore is a stack's store at the edge, and when the stack said so.
type EdgeStore struct {
	ARN string    `json:"arn"`
	At  time.Time `json:"at"`
}

// memory is the file that keeps the store at the edge of each stack that was
// spoken to, so that an emergency does not need CloudFormation.
func memory() (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "raincheck", "edge-stores.json"), err
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

// Remembered is the store at the edge that a stack had last; empty when there is
// none, or the file cannot be read.
func Remembered(name string) EdgeStore {
	all := map[string]EdgeStore{}
	path, err := memory()
	if err != nil {
		return EdgeStore{}
	}
	data, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(data, &all) != nil {
		return EdgeStore{}
	}
	return all[stackKey(name)]
}

// Remember keeps a stack's store at the edge. That it cannot be kept must not
// stop a switch.
func Remember(name, arn string, at time.Time) {
	path, err := memory()
	if err != nil || Remembered(name).ARN == arn {
		return
	}
	all := map[string]EdgeStore{}
	if data, err := os.ReadFile(path); err == nil && json.Unmarshal(data, &all) != nil {
		all = map[string]EdgeStore{}
	}
	all[stackKey(name)] = EdgeStore{arn, at.UTC()}
	data, err := json.Marshal(all)
	if err != nil || os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return
	}
	// By rename: two commands at once leave one whole file.
	part, err := os.CreateTemp(filepath.Dir(path), "edge-stores-*")
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
