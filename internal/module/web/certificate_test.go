package web

import (
	"crypto/x509"
	"fmt"
	"testing"
)

func TestCertificateText(t *testing.T) {
	other := &x509.Certificate{RawIssuer: []byte("a"), RawSubject: []byte("b")}
	self := &x509.Certificate{RawIssuer: []byte("a"), RawSubject: []byte("a")}
	for _, c := range []struct {
		err  error
		want string
	}{
		{x509.HostnameError{Certificate: other, Host: "h"}, "Hostname mismatch, certificate is not valid for 'h'."},
		{x509.HostnameError{Certificate: self, Host: "h"}, "self-signed certificate"},
		{x509.UnknownAuthorityError{Cert: other}, "unable to get local issuer certificate"},
		{x509.UnknownAuthorityError{Cert: self}, "self-signed certificate"},
		{x509.CertificateInvalidError{Cert: other, Reason: x509.Expired}, "certificate has expired"},
		{fmt.Errorf("another"), ""},
	} {
		if got := certificateText(fmt.Errorf("wrapped: %w", c.err)); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}
