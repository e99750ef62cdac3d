package config

import (
	"log/slog"
	"time"
)

// Auth is the access control's share of the configuration.
type Auth struct {
	SessionHours int `yaml:"session_hours" doc:"a browser stays logged in for this long" min:"1" max:"8760"`
	TokenDays    int `yaml:"token_days" doc:"a new API token expires after this many days unless told otherwise; 0: never" min:"0" max:"3650"`
	MaxFailures  int `yaml:"max_failures" doc:"wrong secrets from one address before it is locked out for a while" min:"3" max:"100"`
}

// Defaults returns sessions of 30 days, tokens of a year, five failures.
func (Auth) Defaults() Auth { return Auth{SessionHours: 720, TokenDays: 365, MaxFailures: 5} }

// Validate returns the problems of the values.
func (a Auth) Validate() Problems { return checkTags(a) }

// SessionAge returns how long a browser stays logged in.
func (a Auth) SessionAge() time.Duration { return time.Duration(a.SessionHours) * time.Hour }

// TokenAge returns how long a new token lives, 0 for ever.
func (a Auth) TokenAge() time.Duration { return time.Duration(a.TokenDays) * 24 * time.Hour }

// Log is the logger's share of the configuration.
type Log struct {
	Level  string `yaml:"level" doc:"least severe message that is written" enum:"debug|info|warn|error"`
	Format string `yaml:"format" doc:"text for people, json for collectors" enum:"text|json"`
}

// Defaults returns informational messages as text.
func (Log) Defaults() Log { return Log{Level: "info", Format: "text"} }

// Validate returns the problems of the values.
func (l Log) Validate() Problems { return checkTags(l) }

// SlogLevel returns the level as log/slog has it.
func (l Log) SlogLevel() slog.Level {
	var lv slog.Level
	if err := lv.UnmarshalText([]byte(l.Level)); err != nil {
		return slog.LevelInfo
	}
	return lv
}
