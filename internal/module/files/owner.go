package files

import (
	"os/user"
	"strconv"
)

// UserName is the name of a user id, or the number as text where it has none.
func UserName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

// GroupName is the name of a group id, or the number as text where it has none.
func GroupName(gid int) string {
	if g, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
		return g.Name
	}
	return strconv.Itoa(gid)
}

// UserID finds a user by number or name.
func UserID(owner string) (uid int, ok bool) {
	if n, err := strconv.Atoi(owner); err == nil {
		return n, true
	}
	u, err := user.Lookup(owner)
	if err != nil {
		return 0, false
	}
	uid, err = strconv.Atoi(u.Uid)
	return uid, err == nil
}

// GroupID finds a group by number or name.
func GroupID(group string) (gid int, ok bool) {
	if n, err := strconv.Atoi(group); err == nil {
		return n, true
	}
	g, err := user.LookupGroup(group)
	if err != nil {
		return 0, false
	}
	gid, err = strconv.Atoi(g.Gid)
	return gid, err == nil
}

// UserExists reports whether a user of that number or name is known.
func UserExists(owner string) bool {
	if _, err := strconv.Atoi(owner); err == nil {
		_, err = user.LookupId(owner)
		return err == nil
	}
	_, err := user.Lookup(owner)
	return err == nil
}

// GroupExists reports whether a group of that number or name is known.
func GroupExists(group string) bool {
	if _, err := strconv.Atoi(group); err == nil {
		_, err = user.LookupGroupId(group)
		return err == nil
	}
	_, err := user.LookupGroup(group)
	return err == nil
}
