package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const (
	secretPrefix = "cairn_" // what every secret begins with
	// secretBytes of randomness: 160 bits.
	secretBytes  = 20
	secretLength = len(secretPrefix) + 2*secretBytes
)

// newSecret makes a secret: a prefix by which leaked ones are found, and 160 random bits in hex.
func newSecret() string {
	var b [secretBytes]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the program where there is no randomness
	return secretPrefix + hex.EncodeToString(b[:])
}

type digest [sha256.Size]byte

// hashSecret is what is kept of a secret. One round of SHA-256 is right here, where passwords need a slow and salted
// hash: nobody can try 2^160 secrets, no two are alike, and the hash is computed for every request.
func hashSecret(secret string) digest { return sha256.Sum256([]byte(secret)) }

func (d digest) String() string { return hex.EncodeToString(d[:]) }

// wellFormed tells whether a text may be a secret. What is not is turned away without asking the database.
func wellFormed(secret string) bool {
	random, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok || len(secret) != secretLength {
		return false
	}
	for i := range len(random) {
		if c := random[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
