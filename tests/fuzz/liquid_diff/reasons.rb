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
             ->(test, theirs, _ours) { theirs.marks.include?("tablerow_jump") || any_text?(test, /tablerow.*\belse\b.*(break|continue)/m) }),
  Reason.new("raw and endraw take whitespace control as other tags do (since 5.5)",
             ->(test, _theirs, _ours) { any_text?(test, /\{%-\s*endraw|raw\s*-%\}/) }),
  Reason.new("division of or by a float that is zero is an error, not Infinity or NaN",
             ->(_test, theirs, ours) { theirs.marks.include?("infinite") && ours.text.include?("division by zero") }),
  Reason.new("cycle, assign, tablerow, capture, case, include and render are read by pattern in 5.4, which leaves out what does not fit; here it is an error",
             ->(_test, theirs, ours) { theirs.status != "compile" && ours.status == "compile" }),
  Reason.new("raw may hold an output that is not closed (since 5.5)",
             ->(test, theirs, _ours) { theirs.text.include?("'raw' tag was never closed") && any_text?(test, /raw\s*-?%\}\{\{\{%/) }),
  Reason.new("zero has no sign",
             ->(_test, theirs, ours) { ours.fine? && theirs.fine? && theirs.text.gsub("-0.0", "0.0") == ours.text.gsub("-0.0", "0.0") }),
  Reason.new("default without a value: 5.4 takes its option allow_false for one",
             ->(test, _theirs, _ours) { any_text?(test, /default\s*:\s*allow_false/) }),
  Reason.new("a range is no name of a property; Ruby cuts texts and bits with it",
             ->(_test, _theirs, ours) { ours.status == "render" && ours.text.match?(/cannot take that property of a text|a number has no properties/) }),
  Reason.new("Ruby finds a date in nearly any text with a number (13.8 is a second); here it must look like one",
             ->(test, theirs, ours) { theirs.fine? && any_text?(test, /(?<!\bd)\s*\|\s*date\b/) && ours.status != "compile" }),
  Reason.new("-%} at the end of a template reaches into the partials of 5.4, which it reads later",
             ->(test, _theirs, _ours) { test["partials"].any? && any_text?(test, /-[%}]\}\z/) }),
  Reason.new("a tablerow without cols has one row, and col_last is true at its end (since 5.5)",
             ->(test, _theirs, _ours) { any_text?(test, /tablerowloop\.col_last/) }),
  Reason.new("5.4 ends in an internal error: counting up a text, a range from true",
             ->(_test, theirs, _ours) { theirs.status == "crash" || theirs.marks.include?("internal") }),
  Reason.new("5.4 splits the values of cycle at commas, also at those in quotes",
             ->(test, _theirs, _ours) { any_text?(test, /\bcycle [^%]*(['"])(?:(?!\1).)*,/) }),
  Reason.new("one closing brace in a text in quotes ends no output",
             ->(test, theirs, _ours) { theirs.text.include?("was not properly terminated") && any_text?(test, /\{\{[^}]*\}/) }),
  Reason.new("a counter that begins at a float of the data begins at 0",
             ->(test, _theirs, _ours) { test["data"]["a"].is_a?(Float) && any_text?(test, /(increment|decrement) a\b/) }),
  Reason.new("break and continue end an include for a list; 5.4 goes on with the first piece of the next item",
             ->(test, _theirs, _ours) { any_text?(test, /\{%-?\s*include [^%]*(for|with)/) && any_text?(test, /\{%-?\s*(break|continue)/) }),
  Reason.new("an integer in a text is decimal; Ruby also takes 0x1A",
             ->(test, _theirs, ours) { ours.text.include?("must be an integer") && test.to_s.include?("0x1A") }),
  Reason.new("brackets in brackets: 5.4 reads variables by a pattern that ends at the first ]",
             ->(test, _theirs, _ours) { any_text?(test, /\[[^\]'"]*\[/) }),
  Reason.new("Ruby reads backslashes in a replacement (\\\\0 is what was found); here they are text",
             ->(test, _theirs, _ours) { any_text?(test, /replace/) && test.to_s.include?("\\") }),
  Reason.new("truncatewords has no greatest number of words",
             ->(_test, theirs, _ours) { theirs.text.include?("too big for truncatewords") }),
  Reason.new("default knows allow_false and refuses every other option",
             ->(_test, _theirs, ours) { ours.text.include?("default: unknown argument") }),
  Reason.new("a name of a loop may end in a dash; the pattern of 5.4 for tablerow does not take one",
             ->(test, theirs, _ours) { theirs.text.include?("table_row loop") && any_text?(test, /tablerow \w+-/) }),
  Reason.new("the length of slice is an integer or nil; 5.4 takes false for nil",
             ->(test, theirs, ours) { theirs.fine? && ours.text.include?("slice: the argument must be an integer") && any_text?(test, /\bslice\b/) }),
  Reason.new("a NUL between words counts as white space",
             ->(test, theirs, _ours) { theirs.status == "compile" && any_text?(test, /\0/) }),
  Reason.new("what stands in a comment is not parsed (since 5.5)",
             ->(test, theirs, _ours) { theirs.text.include?("syntax error") && any_text?(test, /\{%-?\s*comment\b/) }),
  Reason.new("commas between the options of a loop are allowed, as in lax mode",
             ->(test, theirs, _ours) { theirs.text.include?("but found comma") && any_text?(test, /%-?\s*for\s[^%]*,/) }),
  Reason.new("text that is not UTF-8 has an encoding of its own in Ruby, here it is bytes",
             ->(_test, theirs, _ours) { theirs.marks.include?("binary") })
].freeze
