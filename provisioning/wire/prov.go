package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// CertRequest asks for a certificate: a claim on ec1/prov/<nonce>/req, a
// rotation on up/crt.
type CertRequest struct {
	Version  int    `json:"v"` // 1
	Nonce    string `json:"nonce"`
	ID       string `json:"id"`
	CSR      string `json:"csr"` // PEM
	Serial   string `json:"serial,omitempty"`
	Model    string `json:"model,omitempty"`
	Software string `json:"sw,omitempty"`
	// Proof is hex HMAC-SHA256 of ProofInput under the owner's claim secret;
	// without it a person must approve the claim.
	Proof string `json:"proof,omitempty"`
	// Renew proves that the node holds the key of its last certificate.
	Renew *Renewal `json:"renew,omitempty"`
}

// Renewal is the certificate to be replaced, expired or not, and an ASN.1
// ECDSA signature of SHA-256(ProofInput) by its key, in hex.
type Renewal struct {
	Cert string `json:"cert"` // PEM
	Sig  string `json:"sig"`
}

// States of a CertResponse.
const (
	CertSigned   = "signed"
	CertPending  = "pending" // ask again after RetrySeconds
	CertRejected = "rejected"
)

// Codes of a rejection.
const (
	CodeRevoked  = "revoked" // the authority wants no more of this node
	CodeBadProof = "bad-proof"
	CodeBadCSR   = "bad-csr"
	CodeBusy     = "busy"
)

// CertResponse answers a CertRequest.
type CertResponse struct {
	Version      int             `json:"v"`
	Nonce        string          `json:"nonce"`
	State        string          `json:"st"`
	ID           string          `json:"id,omitempty"`
	Cert         string          `json:"cert,omitempty"`  // PEM
	Chain        string          `json:"chain,omitempty"` // PEM, without the root
	Broker       string          `json:"broker,omitempty"`
	Group        string          `json:"group,omitempty"`
	Keys         json.RawMessage `json:"keys,omitempty"` // Envelope of a KeySet
	RetrySeconds int             `json:"retry_s,omitempty"`
	Code         string          `json:"code,omitempty"`
	Text         string          `json:"msg,omitempty"`
}

// ProofInput is what owner and node prove something over: the nonce's text and
// the hash of the CSR's PEM text.
func ProofInput(nonce, csr string) []byte {
	sum := sha256.Sum256([]byte(csr))
	return append([]byte(nonce), sum[:]...)
}

// OwnerProof returns the proof that the owner's claim secret is known.
func OwnerProof(secret, nonce, csr string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(ProofInput(nonce, csr))
	return hex.EncodeToString(m.Sum(nil))
}

// CheckOwnerProof compares in constant time.
func CheckOwnerProof(secret, nonce, csr, proof string) bool {
	return hmac.Equal([]byte(OwnerProof(secret, nonce, csr)), []byte(proof))
}
