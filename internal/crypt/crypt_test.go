package crypt

import "testing"

// Hashes of the password "secret" that openssl and htpasswd made.
func TestOthers(t *testing.T) {
	for _, h := range []string{
		"$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/", "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1",
		"$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.",
		"$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.",
		"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "$2y$04$D9EweRVQTDKw0vbUdJkaw.TOq1JJ0KCcDs2ffgTY/NiDZBX5X9Pie", "secret",
		"{MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==", "{SSHA}SWdNwI9zrKBmRo5SG0mvNQtpZnhhYmNkZWZnaA==", "{SMD5}H4J3YlDWQkBQxVBUWWF5XGFiY2RlZmdo",
	} {
		if !Verify("secret", h) || Verify("Secret", h) {
			t.Error(h)
		}
	}
}

// Hashes that crypt(3) made.
func TestDES(t *testing.T) {
	for password, h := range map[string]string{"secret": "abNANd1rDfiNc", "a-long-password": "./8LSay2942mg", "": "zz6dpSdr.LHZw", "ä8bit": "9XO0aKjhII7mE", "x": "Aza4bsZaPrWB."} {
		if got, err := Hash(password, "des_crypt", h[:2], 0, ""); err != nil || got != h || !Verify(password, h) || Verify("other", h) {
			t.Errorf("%q: %s, %v, want %s", password, got, err, h)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, c := range []struct {
		scheme, salt string
		rounds       int
	}{{"apr_md5_crypt", "abcdefgh", 0}, {"md5_crypt", "abcdefgh", 0}, {"sha256_crypt", "saltsalt", 1000}, {"sha512_crypt", "saltsalt", 5000},
		{"bcrypt", "abcdefghijklmnopqrstuu", 4}, {"ldap_sha1", "", 0}, {"ldap_md5", "", 0}, {"ldap_salted_md5", "abcdefgh", 0}, {"ldap_salted_sha1", "abcdefgh", 0}, {"plaintext", "", 0}} {
		h, err := Hash("secret", c.scheme, c.salt, c.rounds, "")
		if err != nil || !Verify("secret", h) || Verify("other", h) {
			t.Errorf("%s: %q, %v", c.scheme, h, err)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ scheme, salt string }{{"md5_crypt", "far too long a salt"}, {"md5_crypt", "<>"}, {"des_crypt", "a"}, {"nonsense", ""}} {
		if h, err := Hash("secret", c.scheme, c.salt, 0, ""); err == nil {
			t.Errorf("%s: %q", c.scheme, h)
		}
	}
	if Verify("secret", "$6$rounds=x$y$z") {
		t.Error("nonsense fits")
	}
	if h := "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="; Verify("secret", h, "des_crypt") || !Verify(h, h, "des_crypt") || !Verify("secret", h, "ldap_sha1") {
		t.Error("of schemes not asked for")
	}
	if Verify("secret", "{SSHA}c2hvcnQ=") {
		t.Error("a sum cut short fits")
	}
}
