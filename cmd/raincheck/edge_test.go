package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"raincheck/pkg/aws/edgestore"
	"raincheck/pkg/email"
	"raincheck/test/emulators"
)

// edgeStandIn is a stand-in for the store at the edge, and the adapter on it.
func edgeStandIn(t *testing.T) (*emulators.KeyValue, *edgestore.Store) {
	t.Helper()
	kvs := &emulators.KeyValue{ARN: outputs[outEdge]}
	server := httptest.NewServer(kvs)
	t.Cleanup(server.Close)
	// The SDK puts the account before the host, which no resolver knows: the
	// stand-in is reached as a proxy.
	proxy, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return kvs, edgestore.New(aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String("http://edge.example"), Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "not-a-secret", ""),
		HTTPClient: &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}},
	}, outputs[outEdge])
}

// account50 is a mail account with room.
type account50 struct{}

// Account answers.
func (account50) Account(context.Context) (email.Account, error) {
	return email.Account{PerSecond: 50, Remaining24h: 50000, Enabled: true}, nil
}
