package session

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLogs passes the WebRTC library's logs on. What it calls a warning or an
// error is mostly a viewer that left without saying so, and its information is
// tracing; so everything arrives as debug.
type pionLogs struct{ log *slog.Logger }

// NewLogger implements logging.LoggerFactory.
func (p pionLogs) NewLogger(scope string) logging.LeveledLogger {
	return &pionLog{log: p.log, scope: scope}
}

type pionLog struct {
	log   *slog.Logger
	scope string
}

func (l *pionLog) put(level, msg string) {
	l.log.Debug("webrtc library", "scope", l.scope, "library_level", level, "detail", msg)
}

func (l *pionLog) putf(level, format string, args []any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.put(level, fmt.Sprintf(format, args...))
	}
}

// Trace and the other methods implement logging.LeveledLogger. The library's
// trace and debug levels speak of every packet and are left out.
func (l *pionLog) Trace(string)                      {}
func (l *pionLog) Tracef(string, ...any)             {}
func (l *pionLog) Debug(string)                      {}
func (l *pionLog) Debugf(string, ...any)             {}
func (l *pionLog) Info(msg string)                   { l.put("info", msg) }
func (l *pionLog) Infof(format string, args ...any)  { l.putf("info", format, args) }
func (l *pionLog) Warn(msg string)                   { l.put("warn", msg) }
func (l *pionLog) Warnf(format string, args ...any)  { l.putf("warn", format, args) }
func (l *pionLog) Error(msg string)                  { l.put("error", msg) }
func (l *pionLog) Errorf(format string, args ...any) { l.putf("error", format, args) }
