// Package secrets is a stand-in for the calls of Secrets Manager that raincheck
// makes, to get a secret and to put one, over the JSON protocol
// that the SDK's own client speaks. It keeps the version before the current
// one, as the service does.
package secrets

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Server is the stand-in. The zero value has no secret.
type Server struct {
	mu      sync.Mutex
	secrets map[string][]string
	written map[string]time.Time
	broken  int
}

// Put makes a secret, or writes its next version.
func (s *Server) Put(id, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secrets == nil {
		s.secrets, s.written = map[string][]string{}, map[string]time.Time{}
	}
	s.secrets[id] = append(s.secrets[id], value)
}

// Value is the newest version; empty without such a secret.
func (s *Server) Value(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if versions := s.secrets[id]; len(versions) > 0 {
		return versions[len(versions)-1]
	}
	return ""
}

// Break makes the next n requests fail with a 503.
func (s *Server) Break(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = n
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	refuse := func(status int, kind, message string) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": kind, "Message": message}) // the client has gone: nobody to tell
	}
	if s.broken > 0 {
		s.broken--
		refuse(http.StatusServiceUnavailable, "InternalServiceError", "try again")
		return
	}
	var in struct {
		SecretID, SecretString, VersionStage string
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(http.StatusBadRequest, "InvalidRequestException", err.Error())
		return
	}
	versions := s.secrets[in.SecretID]
	if len(versions) == 0 {
		refuse(http.StatusBadRequest, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
		return
	}
	out := map[string]any{"ARN": in.SecretID, "Name": in.SecretID}
	switch strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.") {
	case "GetSecretValue":
		at := len(versions) - 1
		if in.VersionStage == "AWSPREVIOUS" {
			at--
		}
		if at < 0 {
			refuse(http.StatusBadRequest, "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS")
			return
		}
		out["SecretString"], out["VersionId"] = versions[at], strconv.Itoa(at)
		if at == len(versions)-1 {
			out["CreatedDate"] = float64(s.written[in.SecretID].UnixMilli()) / 1000
		}
	case "PutSecretValue":
		s.secrets[in.SecretID], s.written[in.SecretID] = append(versions, in.SecretString), time.Now()
		out["VersionId"] = strconv.Itoa(len(versions))
	default:
		refuse(http.StatusBadRequest, "InvalidAction", r.Header.Get("X-Amz-Target"))
		return
	}
	_ = json.NewEncoder(w).Encode(out) // the client has gone: nobody to tell
}
