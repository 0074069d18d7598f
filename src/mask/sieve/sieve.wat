;; Walks the values of a row, each behind its Int32 length, and notes those that have to be looked at: all but values of
;; shapes in which nothing can be found (../shapes.ts). Made into code.ts by sieve.test.ts.
(module
  (memory (export "memory") 9)

  ;; Where things are. sieve.ts knows those that are exported.
  (global $keep i32 (i32.const 0x0)) ;; 16 bytes 0xff, 16 bytes 0: from byte 16 - n on, n bytes stay and the rest is cleared
  (global $asked i32 (i32.const 0x40)) ;; the shape of the value asked about last, 64 bytes
  (global $plain (export "plain") i32 (i32.const 0x80)) ;; bit 0: UUIDs and texts of known words pass (words.ts); bits 1 to 3: so many digits can begin something
  (global $columns (export "columns") i32 (i32.const 0x100)) ;; for each column a byte: what is to be done with its values
  (global $notes (export "notes") i32 (i32.const 0x1000)) ;; column, place from the row's start, length, why
  (global $row (export "row") i32 (i32.const 0x9000)) ;; 64 KiB, and what may be read behind them
  (global $shapes i32 (i32.const 0x19100)) ;; 4096 slots of 80 bytes: shape, hash, length (0: free), proof
  (global $words i32 (i32.const 0x69100)) ;; 8192 slots of 16 bytes: a word of 11 letters at most, and in the last byte what it is

  (data (i32.const 0) "\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff")

  (func (export "sift") (param $size i32) (param $count i32) (result i32)
    (call $values (global.get $row) (i32.add (global.get $row) (local.get $size)) (local.get $count)))

  ;; Walks DataRows, one behind the other: how many bytes are whole rows of which no value is noted, up to the first other
  ;; one; how many rows these are stands where notes do.
  (func (export "clear") (param $size i32) (param $count i32) (result i32)
    (local $at i32) (local $end i32) (local $next i32) (local $rows i32)
    (local.set $at (global.get $row))
    (local.set $end (i32.add (local.get $at) (local.get $size)))
    (block $done
      (loop $again
        ;; 'D', Int32 length without the type, Int16 count of the values.
        (br_if $done (i32.lt_u (i32.sub (local.get $end) (local.get $at)) (i32.const 7)))
        (br_if $done (i32.ne (i32.load8_u (local.get $at)) (i32.const 0x44)))
        (local.set $next (call $reversed (i32.load offset=1 (local.get $at))))
        ;; A negative length is a very large one.
        (br_if $done
          (i32.ge_u (local.get $next) (i32.sub (local.get $end) (local.get $at))))
        (br_if $done (i32.lt_u (local.get $next) (i32.const 6)))
        (local.set $next (i32.add (i32.add (local.get $at) (local.get $next)) (i32.const 1)))
        (br_if $done
          (i32.ne
            (i32.or
              (i32.shl (i32.load8_u offset=5 (local.get $at)) (i32.const 8))
              (i32.load8_u offset=6 (local.get $at)))
            (local.get $count)))
        (br_if $done (call $values (i32.add (local.get $at) (i32.const 7)) (local.get $next) (local.get $count)))
        (local.set $at (local.get $next))
        (local.set $rows (i32.add (local.get $rows) (i32.const 1)))
        (br $again)))
    (i32.store (global.get $notes) (local.get $rows))
    (i32.sub (local.get $at) (global.get $row)))

  ;; How many values were noted; -1 where lengths are wrong.
  (func $values (param $at i32) (param $end i32) (param $count i32) (result i32)
    (local $column i32) (local $length i32) (local $todo i32) (local $why i32) (local $note i32)
    (local.set $note (global.get $notes))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $column) (local.get $count)))
        (if (i32.gt_u (i32.add (local.get $at) (i32.const 4)) (local.get $end)) (then (return (i32.const -1))))
        (local.set $length (call $reversed (i32.load (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (local.set $todo (i32.load8_u (i32.add (global.get $columns) (local.get $column))))
        (if (i32.eq (local.get $length) (i32.const -1))
          (then (local.set $why (i32.and (local.get $todo) (i32.const 8))))
          (else
            ;; A negative length is a very large one.
            (if (i32.gt_u (local.get $length) (i32.sub (local.get $end) (local.get $at)))
              (then (return (i32.const -1))))
            (local.set $why (i32.and (local.get $todo) (i32.const 2)))
            (if (i32.eq (i32.and (local.get $todo) (i32.const 3)) (i32.const 1))
              (then
                (if (i32.eqz (call $isKnown (local.get $at) (local.get $length)))
                  (then
                    (if (i32.eqz (call $isPlain (local.get $at) (local.get $length)))
                      (then (local.set $why (i32.const 1))))))))
            (if (i32.and (local.get $todo) (i32.const 4))
              (then
                (if (call $mayVote (local.get $at) (local.get $length))
                  (then (local.set $why (i32.or (local.get $why) (i32.const 4)))))))))
        (if (local.get $why)
          (then
            (i32.store (local.get $note) (local.get $column))
            (i32.store offset=4 (local.get $note) (i32.sub (local.get $at) (global.get $row)))
            (i32.store offset=8 (local.get $note) (local.get $length))
            (i32.store offset=12 (local.get $note) (local.get $why))
            (local.set $note (i32.add (local.get $note) (i32.const 16)))))
        (if (i32.ne (local.get $length) (i32.const -1))
          (then (local.set $at (i32.add (local.get $at) (local.get $length)))))
        (local.set $column (i32.add (local.get $column) (i32.const 1)))
        (br $next)))
    (if (i32.ne (local.get $at) (local.get $end)) (then (return (i32.const -1))))
    (i32.shr_u (i32.sub (local.get $note) (global.get $notes)) (i32.const 4)))

  ;; What is proved of the shape of the value that stands where rows do, 64 bytes at most.
  (func (export "learn") (param $length i32) (param $proof i32)
    (local $slot i32) (local $hash i32)
    (local.set $hash (call $ask (global.get $row) (local.get $length)))
    (local.set $slot (call $slotOf (i32.shr_u (local.get $hash) (i32.const 20))))
    ;; What was there goes to the place beside it: each shape has these two.
    (if
      (i32.and
        (i32.ne (i32.load offset=64 (local.get $slot)) (local.get $hash))
        (i32.ne (i32.load offset=68 (local.get $slot)) (i32.const 0)))
      (then (memory.copy (call $beside (local.get $hash)) (local.get $slot) (i32.const 80))))
    (memory.copy (local.get $slot) (global.get $asked) (i32.const 64))
    (i32.store offset=64 (local.get $slot) (local.get $hash))
    (i32.store offset=68 (local.get $slot) (local.get $length))
    (i32.store offset=72 (local.get $slot) (local.get $proof)))

  ;; Whether nothing is in the value by what is proved of its shape.
  (func $isKnown (param $at i32) (param $length i32) (result i32)
    (local $slot i32) (local $hash i32) (local $offset i32)
    (if (i32.eqz (local.get $length)) (then (return (i32.const 1))))
    (if (i32.gt_u (local.get $length) (i32.const 64)) (then (return (i32.const 0))))
    (local.set $hash (call $ask (local.get $at) (local.get $length)))
    (local.set $slot (call $slotOf (i32.shr_u (local.get $hash) (i32.const 20))))
    (if (i32.ne (i32.load offset=64 (local.get $slot)) (local.get $hash))
      (then
        (local.set $slot (call $beside (local.get $hash)))
        (if (i32.ne (i32.load offset=64 (local.get $slot)) (local.get $hash)) (then (return (i32.const 0))))))
    (if (i32.ne (i32.load offset=68 (local.get $slot)) (local.get $length)) (then (return (i32.const 0))))
    (loop $next
      (if
        (v128.any_true
          (v128.xor
            (v128.load (i32.add (local.get $slot) (local.get $offset)))
            (v128.load (i32.add (global.get $asked) (local.get $offset)))))
        (then (return (i32.const 0))))
      (local.set $offset (i32.add (local.get $offset) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $offset) (local.get $length))))
    ;; A date is known as far as its digits are in bounds.
    (if (i32.eq (i32.load offset=72 (local.get $slot)) (i32.const 3))
      (then (return (call $isInTime (local.get $at) (local.get $length)))))
    (i32.const 1))

  ;; What is the same for every text of its kind, without a shape that was taught.
  (func $isPlain (param $at i32) (param $length i32) (result i32)
    (if (i32.eqz (i32.load (global.get $plain))) (then (return (i32.const 0))))
    (if (i32.eq (local.get $length) (i32.const 36))
      (then (if (call $isUuid (local.get $at)) (then (return (i32.const 1))))))
    (call $areWords (local.get $at) (i32.add (local.get $at) (local.get $length))))

  ;; As `uuidAt` in ../stamps.ts, of a value that is nothing else.
  (func $isUuid (param $at i32) (result i32)
    (i32.and
      (i32.and
        (call $isHex
          (v128.load (local.get $at))
          (v128.const i8x16 0 0 0 0 0 0 0 0 -1 0 0 0 0 -1 0 0))
        (call $isHex
          (v128.load offset=16 (local.get $at))
          (v128.const i8x16 0 0 -1 0 0 0 0 -1 0 0 0 0 0 0 0 0)))
      (call $isHex
        (v128.load offset=20 (local.get $at))
        (v128.const i8x16 0 0 0 -1 0 0 0 0 0 0 0 0 0 0 0 0))))

  ;; Dashes where `dashes` has ones, digits of base 16 everywhere else.
  (func $isHex (param $part v128) (param $dashes v128) (result i32)
    (i8x16.all_true
      (v128.bitselect
        (i8x16.eq
          (local.get $part)
          (v128.const i8x16 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d))
        (v128.or
          (i8x16.lt_u
            (i8x16.sub
              (local.get $part)
              (v128.const i8x16 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30))
            (v128.const i8x16 10 10 10 10 10 10 10 10 10 10 10 10 10 10 10 10))
          (i8x16.lt_u
            (call $letters (local.get $part))
            (v128.const i8x16 6 6 6 6 6 6 6 6 6 6 6 6 6 6 6 6)))
        (local.get $dashes))))

  ;; Of each letter of ASCII, in either case, its place in the alphabet; of all else 26 and more.
  (func $letters (param $part v128) (result v128)
    (i8x16.sub
      (v128.or
        (local.get $part)
        (v128.const i8x16 0x20 0x20 0x20 0x20 0x20 0x20 0x20 0x20 0x20 0x20 0x20 0x20 0x20 0x20 0x20 0x20))
      (v128.const i8x16 0x61 0x61 0x61 0x61 0x61 0x61 0x61 0x61 0x61 0x61 0x61 0x61 0x61 0x61 0x61 0x61)))

  ;; Whether a text is made of known words, at most three digits, blanks and signs that end words, so that nothing is in it:
  ;; words.ts says why.
  (func $areWords (param $at i32) (param $end i32) (result i32)
    (local $first i32) (local $count i32) (local $slot i32) (local $part v128) (local $is i32)
    (local $digits i32) (local $before i32) (local $eight i32) (local $all i32)
    (block $over
      (loop $next
        (br_if $over (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $first (i32.load8_u (local.get $at)))
        (local.set $part (v128.load (local.get $at)))
        ;; How many letters stand here.
        (local.set $count
          (i32.ctz
            (i32.or
              (i32.const 0x10000)
              (i8x16.bitmask
                (i8x16.ge_u
                  (call $letters (local.get $part))
                  (v128.const i8x16 26 26 26 26 26 26 26 26 26 26 26 26 26 26 26 26))))))
        (if (i32.gt_u (local.get $count) (i32.sub (local.get $end) (local.get $at)))
          (then (local.set $count (i32.sub (local.get $end) (local.get $at)))))
        (if (local.get $count)
          (then
            (if (i32.gt_u (local.get $count) (i32.const 11)) (then (return (i32.const 0))))
            (local.set $part (call $cut (local.get $part) (local.get $count)))
            (local.set $slot (call $wordSlot (local.get $part)))
            (local.set $is (call $wordAt (local.get $slot) (local.get $part)))
            (if (i32.eqz (local.get $is))
              (then
                (local.set $is (call $wordAt (i32.xor (local.get $slot) (i32.const 16)) (local.get $part)))
                (if (i32.eqz (local.get $is)) (then (return (i32.const 0))))))
            ;; A capital behind a word of where somebody lives.
            (if
              (i32.and
                (i32.eqz (i32.and (local.get $first) (i32.const 0x20)))
                (i32.and (i32.shr_u (local.get $all) (i32.const 3)) (i32.const 1)))
              (then (return (i32.const 0))))
            (local.set $all (i32.or (local.get $all) (local.get $is)))
            (if (i32.or (i32.eq (local.get $count) (i32.const 8)) (i32.eq (local.get $count) (i32.const 11)))
              (then (local.set $eight (i32.const 1))))
            (local.set $at (i32.add (local.get $at) (local.get $count))))
          (else
            (br_if $over (i32.gt_u (i32.sub (local.get $first) (i32.const 0x30)) (i32.const 9)))
            (local.set $before (local.get $digits))
            (loop $digit
              (local.set $digits (i32.add (local.get $digits) (i32.const 1)))
              (local.set $at (i32.add (local.get $at) (i32.const 1)))
              (br_if $digit
                (i32.and
                  (i32.lt_u (local.get $at) (local.get $end))
                  (i32.lt_u (i32.sub (i32.load8_u (local.get $at)) (i32.const 0x30)) (i32.const 10)))))
            (if (i32.gt_u (local.get $digits) (i32.const 3)) (then (return (i32.const 0))))
            (if
              (i32.and
                (i32.shr_u (i32.load (global.get $plain)) (i32.sub (local.get $digits) (local.get $before)))
                (i32.const 1))
              (then (local.set $all (i32.or (local.get $all) (i32.const 16)))))))
        ;; What ends a word or number: a blank or one of `!,;?`, as many as there are.
        (br_if $over (i32.ge_u (local.get $at) (local.get $end)))
        (br_if $over (i32.eqz (call $endsWord (i32.load8_u (local.get $at)))))
        (loop $sign
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br_if $next (i32.ge_u (local.get $at) (local.get $end)))
          (br_if $sign (call $endsWord (i32.load8_u (local.get $at)))))
        (br $next)))
    (if (i32.lt_u (local.get $at) (local.get $end)) (then (return (i32.const 0))))
    (if (i32.eq (i32.and (local.get $all) (i32.const 18)) (i32.const 18))
      (then (if (i32.or (local.get $digits) (local.get $eight)) (then (return (i32.const 0))))))
    (if (i32.and (local.get $all) (i32.const 4)) (then (return (i32.eqz (local.get $digits)))))
    (i32.const 1))

  (func $endsWord (param $byte i32) (result i32)
    ;; The bits of 0x20 and what follows it.
    (i32.and
      (i32.eq (i32.and (local.get $byte) (i32.const 0xe0)) (i32.const 0x20))
      (i32.shr_u (i32.const 0x88001003) (i32.and (local.get $byte) (i32.const 0x1f)))))

  (func $cut (param $part v128) (param $count i32) (result v128)
    (v128.and
      (local.get $part)
      (v128.load (i32.sub (i32.add (global.get $keep) (i32.const 16)) (local.get $count)))))

  (func $wordSlot (param $word v128) (result i32)
    (i32.add
      (global.get $words)
      (i32.and
        (i32.wrap_i64
          (i64.shr_u
            (i64.mul
              (i64.xor
                (i64.mul (i64x2.extract_lane 0 (local.get $word)) (i64.const 0x9e3779b97f4a7c15))
                (i64.rotl (i64x2.extract_lane 1 (local.get $word)) (i64.const 31)))
              (i64.const 0xc2b2ae3d27d4eb4f))
            (i64.const 44)))
        (i32.const 0x1fff0))))

  ;; What the word is, if it stands in this slot; else 0.
  (func $wordAt (param $slot i32) (param $word v128) (result i32)
    (if
      (v128.any_true
        (v128.and
          (v128.xor (v128.load (local.get $slot)) (local.get $word))
          (v128.const i8x16 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 0)))
      (then (return (i32.const 0))))
    (i32.load8_u offset=15 (local.get $slot)))

  ;; What the word is that stands where rows do, of 11 letters at most.
  (func (export "learnWord") (param $length i32) (param $is i32)
    (local $word v128) (local $slot i32)
    (local.set $word (call $cut (v128.load (global.get $row)) (local.get $length)))
    (local.set $slot (call $wordSlot (local.get $word)))
    (if (i32.or
          (call $wordAt (local.get $slot) (local.get $word))
          (call $wordAt (i32.xor (local.get $slot) (i32.const 16)) (local.get $word)))
      (then (return)))
    ;; What was there goes to the place beside it.
    (v128.store (i32.xor (local.get $slot) (i32.const 16)) (v128.load (local.get $slot)))
    (v128.store (local.get $slot) (local.get $word))
    (i32.store8 offset=15 (local.get $slot) (local.get $is)))

  ;; Writes the value's shape, zeros for its digits and nothing behind its end, and gives a hash of it.
  (func $ask (param $at i32) (param $length i32) (result i32)
    (local $to i32) (local $left i32) (local $part v128) (local $sum v128) (local $wide i64)
    (local.set $to (global.get $asked))
    (local.set $left (local.get $length))
    (local.set $sum (i32x4.splat (local.get $length)))
    (loop $next
      (local.set $part (v128.load (local.get $at)))
      (local.set $part
        (v128.bitselect
          (v128.const i8x16 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30)
          (local.get $part)
          (i8x16.lt_u
            (i8x16.sub
              (local.get $part)
              (v128.const i8x16 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30 0x30))
            (v128.const i8x16 10 10 10 10 10 10 10 10 10 10 10 10 10 10 10 10))))
      (if (i32.lt_u (local.get $left) (i32.const 16))
        (then
          (local.set $part
            (v128.and
              (local.get $part)
              (v128.load (i32.sub (i32.add (global.get $keep) (i32.const 16)) (local.get $left)))))))
      (v128.store (local.get $to) (local.get $part))
      (local.set $sum
        (i32x4.mul
          (v128.xor (local.get $sum) (local.get $part))
          (v128.const i32x4 0x9e3779b1 0x85ebca6b 0xc2b2ae35 0x27d4eb2f)))
      (local.set $sum (v128.xor (local.get $sum) (i32x4.shr_u (local.get $sum) (i32.const 15))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (local.set $to (i32.add (local.get $to) (i32.const 16)))
      (local.set $left (i32.sub (local.get $left) (i32.const 16)))
      (br_if $next (i32.gt_s (local.get $left) (i32.const 0))))
    (local.set $wide
      (i64.mul
        (i64.xor (i64x2.extract_lane 0 (local.get $sum)) (i64.rotl (i64x2.extract_lane 1 (local.get $sum)) (i64.const 29)))
        (i64.const 0x9e3779b97f4a7c15)))
    (i32.wrap_i64 (i64.shr_u (local.get $wide) (i64.const 32))))

  (func $slotOf (param $number i32) (result i32)
    (i32.add (global.get $shapes) (i32.mul (local.get $number) (i32.const 80))))

  (func $beside (param $hash i32) (result i32)
    (call $slotOf (i32.xor (i32.shr_u (local.get $hash) (i32.const 20)) (i32.const 1))))

  ;; As `isInTime` in ../shapes.ts.
  (func $isInTime (param $at i32) (param $length i32) (result i32)
    (local $sign i32)
    (local.set $sign (i32.load8_u (local.get $at)))
    (if (i32.and (i32.ne (local.get $sign) (i32.const 0x31)) (i32.ne (local.get $sign) (i32.const 0x32)))
      (then (return (i32.const 0))))
    (if (i32.gt_s (call $two (local.get $at) (i32.const 5)) (i32.const 12)) (then (return (i32.const 0))))
    (if (i32.gt_s (call $two (local.get $at) (i32.const 8)) (i32.const 31)) (then (return (i32.const 0))))
    (if (i32.le_u (local.get $length) (i32.const 10)) (then (return (i32.const 1))))
    (if (i32.gt_s (call $two (local.get $at) (i32.const 11)) (i32.const 24)) (then (return (i32.const 0))))
    (if (i32.gt_s (call $two (local.get $at) (i32.const 14)) (i32.const 59)) (then (return (i32.const 0))))
    (if (i32.le_u (local.get $length) (i32.const 16)) (then (return (i32.const 1))))
    (if (i32.eq (i32.load8_u offset=16 (local.get $at)) (i32.const 0x3a))
      (then
        (if (i32.gt_s (call $two (local.get $at) (i32.const 17)) (i32.const 60)) (then (return (i32.const 0))))))
    (local.set $sign (i32.load8_u (i32.sub (i32.add (local.get $at) (local.get $length)) (i32.const 3))))
    (if (i32.and (i32.ne (local.get $sign) (i32.const 0x2b)) (i32.ne (local.get $sign) (i32.const 0x2d)))
      (then (return (i32.const 1))))
    (i32.le_s (call $two (local.get $at) (i32.sub (local.get $length) (i32.const 2))) (i32.const 15)))

  (func $two (param $at i32) (param $offset i32) (result i32)
    (local.set $at (i32.add (local.get $at) (local.get $offset)))
    (i32.sub
      (i32.add (i32.mul (i32.load8_u (local.get $at)) (i32.const 10)) (i32.load8_u offset=1 (local.get $at)))
      (i32.const 528))) ;; eleven times the sign `0`

  ;; As `seeBytes` in ../vote.ts looks first: numbers are of digits, blanks and `-./`, and of so many.
  (func $mayVote (param $at i32) (param $length i32) (result i32)
    (local $part v128) (local $left i32)
    (if (i32.lt_u (local.get $length) (i32.const 7)) (then (return (i32.const 0))))
    (if (i32.gt_u (local.get $length) (i32.const 40)) (then (return (i32.const 0))))
    (local.set $left (local.get $length))
    (loop $next
      (local.set $part (v128.load (local.get $at)))
      (local.set $part
        (v128.or
          (i8x16.lt_u
            (i8x16.sub
              (local.get $part)
              (v128.const i8x16 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d 0x2d))
            (v128.const i8x16 13 13 13 13 13 13 13 13 13 13 13 13 13 13 13 13))
          (i8x16.eq
            (local.get $part)
            (v128.const i8x16 0x20 0x20 0x20 0x20 0x20 0x20 0x20 0x20 0x20 0x20 0x20 0x20 0x20 0x20 0x20 0x20))))
      ;; How many of them stand here, at least as many as are left.
      (if
        (i32.lt_u
          (i32.ctz (i32.or (i32.const 0x10000) (i32.xor (i8x16.bitmask (local.get $part)) (i32.const 0xffff))))
          (select (local.get $left) (i32.const 16) (i32.lt_u (local.get $left) (i32.const 16))))
        (then (return (i32.const 0))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (local.set $left (i32.sub (local.get $left) (i32.const 16)))
      (br_if $next (i32.gt_s (local.get $left) (i32.const 0))))
    (i32.const 1))

  ;; The bytes of a number in the other order.
  (func $reversed (param $value i32) (result i32)
    (i32.or
      (i32.and (i32.rotl (local.get $value) (i32.const 8)) (i32.const 0x00ff00ff))
      (i32.and (i32.rotr (local.get $value) (i32.const 8)) (i32.const 0xff00ff00))))
)
