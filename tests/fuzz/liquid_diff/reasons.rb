# Why the two engines may differ. A reason applies to a case (template, data, partials) and both results; the first that
# applies is counted. `marks` of the reference tell what happened in it (reference.rb).
Reason = Struct.new(:text, :applies)

def all_texts(test)
  [test["template"], *test["partials"].values]
end

def any_text?(test, pattern)
  all_texts(test).any? { |text| text.match?(pattern) }
end

REASONS = [
  Reason.new("a partial, filter or number of arguments that is wrong is told at compile time, by 5.4 only when it is reached",
             ->(_test, _theirs, ours) { ours.status == "compile" && ours.text.match?(/there is no partial|takes \d+ to \d+ arguments|unknown filter/) }),
  Reason.new("filters newer than 5.4: find, find_index, has, reject, sum",
             ->(_test, theirs, _ours) { theirs.status == "render" && theirs.text.match?(/undefined filter (find|find_index|has|reject|sum)\z/) }),
  Reason.new("integers beyond 64 bits become floats",
             ->(_test, theirs, _ours) { theirs.marks.include?("big") }),
  Reason.new("break and continue in a tablerow end its loop (since 5.5), not everything around it",
             ->(_test, theirs, _ours) { theirs.marks.include?("tablerow_jump") }),
  Reason.new("endraw takes whitespace control on both sides (since 5.5)",
             ->(test, theirs, _ours) { theirs.status == "compile" && theirs.text.include?("'raw' tag was never closed") && any_text?(test, /\{%-\s*endraw/) }),
  Reason.new("what stands in a comment is not parsed (since 5.5)",
             ->(test, theirs, _ours) { theirs.status == "compile" && any_text?(test, /comment\s*-?%\}\{% if %\}/) }),
  Reason.new("commas between the options of a loop are allowed, as in lax mode",
             ->(test, theirs, _ours) { theirs.status == "compile" && theirs.text.include?("but found comma") && any_text?(test, /%-?\s*for\s[^%]*,/) }),
  Reason.new("text that is not UTF-8 has an encoding of its own in Ruby, here it is bytes",
             ->(_test, theirs, _ours) { theirs.marks.include?("binary") })
].freeze
