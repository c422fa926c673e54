// Referee: checks an export of the audit log, and a receipt, with other people's code alone.
//
//	referee EXPORT RECEIPT VKEY
//
// The tree, its proofs and the signed notes are golang.org/x/mod's; only the JSON Lines of the export
// and the layout of the receipt are read here, as FORMAT.md lays them down.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type line struct {
	Entry      json.RawMessage `json:"entry"`
	Index      *int64          `json:"index"`
	Leaf       string          `json:"leaf"`
	Checkpoint string          `json:"checkpoint"`
}

type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for at, index := range indexes {
		found[at] = h[index]
	}
	return found, nil
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "REFUSED:", err)
		os.Exit(1)
	}
}

func require(good bool, format string, values ...any) {
	if !good {
		must(fmt.Errorf(format, values...))
	}
}

// open gives size and root of a checkpoint that the key has signed.
func open(signed string, key note.Verifier) (int64, tlog.Hash) {
	opened, err := note.Open([]byte(signed), note.VerifierList(key))
	must(err)
	rows := strings.Split(opened.Text, "\n")
	require(len(rows) == 4 && rows[3] == "", "a checkpoint has three lines")
	require(rows[0] == key.Name(), "origin %q is not the key's name", rows[0])
	size, err := strconv.ParseInt(rows[1], 10, 64)
	must(err)
	root, err := tlog.ParseHash(rows[2])
	must(err)
	return size, root
}

func main() {
	key, err := note.NewVerifier(os.Args[3])
	must(err)
	file, err := os.Open(os.Args[1])
	must(err)
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<21)

	var stored hashes
	var heads []tlog.Tree
	var size int64
	for scanner.Scan() {
		var row line
		must(json.Unmarshal(scanner.Bytes(), &row))
		switch {
		case row.Index != nil:
			require(*row.Index == size, "index %d comes where %d must", *row.Index, size)
			leaf, err := tlog.ParseHash(row.Leaf)
			must(err)
			if row.Entry != nil {
				require(tlog.RecordHash(row.Entry) == leaf, "entry %d is not its leaf", size)
			}
			grown, err := tlog.StoredHashesForRecordHash(size, leaf, stored)
			must(err)
			stored = append(stored, grown...)
			size++
		case row.Checkpoint != "":
			signedSize, root := open(row.Checkpoint, key)
			require(signedSize == size, "checkpoint of %d stands after %d entries", signedSize, size)
			computed, err := tlog.TreeHash(size, stored)
			must(err)
			require(computed == root, "the root of %d entries is not the signed one", size)
			heads = append(heads, tlog.Tree{N: size, Hash: root})
		}
	}
	must(scanner.Err())
	require(len(heads) > 0, "there is no checkpoint")
	last := heads[len(heads)-1]
	for _, old := range heads[:len(heads)-1] {
		proof, err := tlog.ProveTree(last.N, old.N, stored)
		must(err)
		must(tlog.CheckTree(proof, last.N, last.Hash, old.N, old.Hash))
	}
	receipt(os.Args[2], key)
	fmt.Printf("%d entries, %d checkpoints, 1 receipt\n", size, len(heads))
}

func receipt(path string, key note.Verifier) {
	text, err := os.ReadFile(path)
	must(err)
	top, signed, split := bytes.Cut(text, []byte("\n\n"))
	rows := strings.Split(string(top), "\n")
	require(split && len(rows) >= 3 && rows[0] == "c2sp.org/tlog-proof@v1", "this is no tlog-proof")
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(rows[1], "extra "))
	must(err)
	index, err := strconv.ParseInt(strings.TrimPrefix(rows[2], "index "), 10, 64)
	must(err)
	var proof tlog.RecordProof
	for _, row := range rows[3:] {
		hash, err := tlog.ParseHash(row)
		must(err)
		proof = append(proof, hash)
	}
	size, root := open(string(signed), key)
	must(tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(entry)))
}
