package template

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/crypt"
)

// deviceFilters are ansible.netcommon's filters for what devices are configured
// with: lists of VLANs and passwords of type 5.
func deviceFilters() []*def {
	return []*def{
		define("ansible.netcommon.vlan_expander", "raw_vlan", vlanExpander),
		define("vlan_parser|ansible.netcommon.vlan_parser", "vlan_list first_line_len=48 other_line_len=44", vlanParser),
		define("type5_pw|ansible.netcommon.type5_pw", "password salt=None", func(c *call) (any, error) {
			password, err := c.needStr(0)
			if err != nil {
				return nil, err
			}
			salt := ""
			if c.a[1] != nil {
				if salt, err = c.needStr(1); err != nil {
					return nil, err
				}
			}
			return type5(c, password, salt)
		}),
		define("hash_salt|ansible.netcommon.hash_salt", "password", func(c *call) (any, error) {
			hashed, err := c.needStr(0)
			if err != nil {
				return nil, err
			}
			return saltOf(c, hashed)
		}),
		define("comp_type5|ansible.netcommon.comp_type5", "unencrypted_password encrypted_password return_original=False", func(c *call) (any, error) {
			hashed, err := c.needStr(1)
			if err != nil {
				return nil, err
			}
			salt, err := saltOf(c, hashed)
			if err != nil {
				return nil, err
			}
			password, err := c.needStr(0)
			if err != nil {
				return nil, err
			}
			again, err := type5(c, password, salt)
			if err != nil || again != hashed {
				return false, err
			}
			if c.a[2] == true {
				return hashed, nil
			}
			return true, nil
		}),
	}
}

func type5(c *call, password, salt string) (string, error) {
	if salt == "" {
		salt = newRandom(nil).text(crypt.SaltChars, 4)
	}
	if strings.Trim(salt, lowercase+uppercase+digitChars+"./") != "" {
		return "", filterErr("%s: salt used inproper characters, must be letters, digits, dots and slashes", c.name)
	}
	return crypt.Hash(password, "md5_crypt", salt, 0, "")
}

func saltOf(c *call, hashed string) (string, error) {
	parts := strings.Split(hashed, "$")
	if len(parts) != 4 {
		return "", filterErr("%s: Could not parse salt out password correctly", c.name)
	}
	return parts[2], nil
}

const maxVLAN = 4094

// vlanExpander turns 1,10-12 into the numbers that it stands for.
func vlanExpander(c *call) (any, error) {
	text, err := c.needStr(0)
	if err != nil {
		return nil, err
	}
	var all []int
	for _, part := range strings.Split(text, ",") {
		ends := strings.Split(part, "-")
		var bound [2]int
		for i, e := range ends {
			n, _ := parseInt(e, 10)
			v, ok := n.(int)
			if !ok || len(ends) > 2 || v > maxRange {
				return nil, filterErr("%s: %s is neither a number nor a range", c.name, Repr(part))
			}
			bound[i] = v
		}
		if len(ends) == 1 {
			bound[1] = bound[0]
		}
		if len(all)+bound[1]-bound[0] > maxRange {
			return nil, limitErr("%s: these are more than %d numbers", c.name, maxRange)
		}
		for n := bound[0]; n <= bound[1]; n++ {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	out := make([]any, len(all))
	for i, n := range all {
		out[i] = n
	}
	return out, nil
}

// vlanParser writes numbers as devices do: runs of three and more with a dash, in
// lines that are not too long.
func vlanParser(c *call) (any, error) {
	l, err := c.list(0)
	if err != nil {
		return nil, err
	}
	var longest [2]int
	for i := range longest {
		if longest[i], err = c.int(i + 1); err != nil {
			return nil, err
		}
	}
	var all []int
	for _, e := range l {
		n, err := asInt(e)
		if err != nil {
			return nil, filterErr("%s: %s is no number of a VLAN", c.name, Repr(e))
		}
		all = append(all, n)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) == 0 || all[0] < 1 || all[len(all)-1] > maxVLAN {
		return nil, filterErr("%s: Valid VLAN range is 1-%d", c.name, maxVLAN)
	}
	lines := []string{""}
	put := func(word string) {
		last := len(lines) - 1
		if len(lines[last])+len(word) > longest[min(last, 1)] {
			lines, last = append(lines, ""), last+1
		}
		lines[last] += word + ","
	}
	for i := 0; i < len(all); {
		end := i
		for end+1 < len(all) && all[end+1] == all[end]+1 {
			end++
		}
		if end-i > 1 {
			put(strconv.Itoa(all[i]) + "-" + strconv.Itoa(all[end]))
		} else {
			for _, n := range all[i : end+1] {
				put(strconv.Itoa(n))
			}
		}
		i = end + 1
	}
	out := []any{}
	for _, line := range lines {
		if line != "" {
			out = append(out, strings.TrimRight(line, ","))
		}
	}
	return out, nil
}
