package file

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/localtime"
)

// stamp is what shall happen to one of a file's times.
type stamp struct {
	set bool // false preserves it
	now bool
	at  time.Time
}

func (j *job) times(state string) (err error) {
	byDefault := "preserve"
	if state == "touch" {
		byDefault = "now"
	}
	zone := localtime.Zone(j.env.Environ)
	if j.mtime, err = parseStamp(j.args.String("modification_time"), j.args.String("modification_time_format"), byDefault, zone); err != nil {
		return err
	}
	j.atime, err = parseStamp(j.args.String("access_time"), j.args.String("access_time_format"), byDefault, zone)
	return err
}

func parseStamp(text, format, byDefault string, zone *time.Location) (stamp, error) {
	if text == "" {
		text = byDefault
	}
	switch text {
	case "preserve":
		return stamp{}, nil
	case "now":
		return stamp{set: true, now: true}, nil
	}
	at, err := files.ParseTime(text, format, zone)
	if err != nil {
		return stamp{}, fmt.Errorf("Error while obtaining timestamp for time %s using format %s: %w", text, format, err)
	}
	return stamp{set: true, at: at}, nil
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

// stamp sets the file's times and reports whether they had to change.
func (j *job) stamp(path string, d *files.Diff) (bool, error) {
	if !j.mtime.set && !j.atime.set {
		return false, nil
	}
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		return false, fmt.Errorf("Error while updating modification or access time: %w", &os.PathError{Op: "stat", Path: path, Err: err})
	}
	oldM, oldA := time.Unix(st.Mtim.Unix()), time.Unix(st.Atim.Unix())
	now := time.Now()
	next := func(s stamp, old time.Time) time.Time {
		switch {
		case !s.set:
			return old
		case s.now:
			return now
		}
		return s.at
	}
	mtime, atime := next(j.mtime, oldM), next(j.atime, oldA)
	if mtime.Equal(oldM) && atime.Equal(oldA) {
		return false, nil
	}
	if !j.env.Check {
		var err error
		if j.mtime.now && j.atime.now {
			// "Now" needs no ownership of the file, a given time does.
			err = unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}, 0)
		} else {
			err = os.Chtimes(path, atime, mtime)
		}
		if err != nil {
			return false, fmt.Errorf("Error while updating modification or access time: %w", err)
		}
	}
	if !mtime.Equal(oldM) {
		d.Note("mtime", seconds(oldM), seconds(mtime))
	}
	if !atime.Equal(oldA) {
		d.Note("atime", seconds(oldA), seconds(atime))
	}
	return true, nil
}
