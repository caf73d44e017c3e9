package emulators

import (
	"crypto/md5"
	"encoding/json"
	"fmt"
	"net/http"
)

// Queue is an SQS that takes every message at once: for tests of what stands
// before and behind the queue. Moto's, which keeps messages and delays, is a
// Python program that may take longer over hundreds than a client waits.
type Queue struct {
	// Take is given the body of each message. It may be nil.
	Take func(body []byte)
}

// ServeHTTP answers SendMessageBatch, the one request that raincheck makes.
func (q Queue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Entries []struct{ ID, MessageBody string }
	}
	type taken struct {
		ID               string `json:"Id"`
		MessageID        string `json:"MessageId"`
		MD5OfMessageBody string
	}
	var out struct{ Successful []taken }
	if r.Header.Get("X-Amz-Target") != "AmazonSQS.SendMessageBatch" {
		failWith(w, http.StatusBadRequest, "InvalidAction", "this stand-in knows SendMessageBatch alone")
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, e := range in.Entries {
		out.Successful = append(out.Successful, taken{e.ID, e.ID, fmt.Sprintf("%x", md5.Sum([]byte(e.MessageBody)))})
		if q.Take != nil {
			q.Take([]byte(e.MessageBody))
		}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(out) // the client has gone: nobody to tell
}
