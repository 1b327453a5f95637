# Why the two engines may differ where no variant of the reference (variants.rb) prints what we print: most end in an error in
# one engine only. A reason applies to a case (template, data, partials) and both results; the first that applies is counted.
# `marks` of the reference tell what happened in it (reference.rb).
Reason = Struct.new(:text, :applies)

def all_texts(test)
  [test["template"], *test["partials"].values]
end

def any_text?(test, pattern)
  all_texts(test).any? { |text| text.match?(pattern) }
end

# Apart from the last digits of floats.
def floats_equal?(theirs, ours)
  float = /\d+\.\d{12,}(?:e[-+]\d+)?/
  one, other = theirs.scan(float), ours.scan(float)
  theirs.gsub(float, "") == ours.gsub(float, "") && one.size == other.size &&
    one.zip(other).all? { |a, b| (a.to_f - b.to_f).abs <= a.to_f.abs * 1e-14 }
end

REASONS = [
  Reason.new("a partial, filter or number of arguments that is wrong is told at compile time, by 5.4 only when it is reached",
             ->(_test, _theirs, ours) { ours.status == "compile" && ours.text.match?(/there is no partial|takes \d+ to \d+ arguments|unknown filter/) }),
  Reason.new("filters newer than 5.4: find, find_index, has, reject, sum",
             ->(_test, theirs, _ours) { theirs.status == "render" && theirs.text.match?(/undefined filter (find|find_index|has|reject|sum)\z/) }),
  Reason.new("division of or by a float that is zero is an error, not Infinity or NaN",
             ->(_test, theirs, ours) { theirs.marks.include?("infinite") && ours.text.include?("division by zero") }),
  Reason.new("cycle, assign, tablerow, capture, case, include and render are read by pattern in 5.4, which leaves out what does not fit; here it is an error",
             ->(_test, theirs, ours) { theirs.status != "compile" && ours.status == "compile" }),
  Reason.new("raw may hold an output that is not closed (since 5.5)",
             ->(test, theirs, _ours) { theirs.text.include?("'raw' tag was never closed") && any_text?(test, /raw\s*-?%\}\{\{\{%/) }),
  Reason.new("a range is no name of a property; Ruby cuts texts and bits with it",
             ->(_test, _theirs, ours) { ours.status == "render" && ours.text.match?(/cannot take that property of a text|a number has no properties/) }),
  Reason.new("5.4 ends in an internal error: counting up a text, a range from true",
             ->(_test, theirs, _ours) { theirs.status == "crash" || theirs.marks.include?("internal") }),
  Reason.new("one closing brace in a text in quotes ends no output",
             ->(test, theirs, _ours) { theirs.text.include?("was not properly terminated") && any_text?(test, /\{\{[^}]*\}/) }),
  Reason.new("a counter that begins at a float of the data begins at 0",
             ->(test, _theirs, _ours) { test["data"]["a"].is_a?(Float) && any_text?(test, /(increment|decrement) a\b/) }),
  Reason.new("an integer in a text is decimal; Ruby also takes 0x1A",
             ->(test, _theirs, ours) { ours.text.include?("must be an integer") && test.to_s.include?("0x1A") }),
  Reason.new("brackets in brackets: 5.4 reads variables by a pattern that ends at the first ]",
             ->(test, _theirs, _ours) { any_text?(test, /\[[^\]'"]*\[/) }),
  Reason.new("truncatewords has no greatest number of words",
             ->(_test, theirs, _ours) { theirs.text.include?("too big for truncatewords") }),
  Reason.new("default knows allow_false and refuses every other option",
             ->(_test, _theirs, ours) { ours.text.include?("default: unknown argument") }),
  Reason.new("a name of a loop may end in a dash, and a range stand right behind in; the pattern of 5.4 for tablerow takes neither",
             ->(test, theirs, _ours) { theirs.text.include?("table_row loop") && any_text?(test, /tablerow\s+(?:\w+-|\w+\s+in\()/) }),
  Reason.new("a float has as many digits as it needs to be told from its neighbours; 15 or 16 where decimal arithmetic is not exact",
             ->(_test, theirs, ours) { theirs.fine? && ours.fine? && floats_equal?(theirs.text, ours.text) }),
  Reason.new("Ruby's url_decode gives up at a % in the last two bytes; here the plus signs behind it are spaces",
             ->(test, theirs, ours) { theirs.fine? && ours.fine? && any_text?(test, /url_decode/) && theirs.text.gsub(/%.?\+/) { |t| t.tr("+", " ") } == ours.text }),
  Reason.new("of several numbers in a text that has a date, Ruby and we may take different ones for it",
             ->(test, theirs, ours) { theirs.fine? && ours.fine? && any_text?(test, /\|\s*date\b/) && Variants.render(test, [:date])[1] != theirs.text }),
  Reason.new("Ruby reads the digits of an offset without a date as month and day",
             ->(test, theirs, ours) { theirs.fine? && ours.fine? && any_text?(test, /date:.*\|\s*date:/) && theirs.text.match?(/\+0000 /) }),
  Reason.new("the length of slice is an integer or nil; 5.4 takes false for nil",
             ->(test, theirs, ours) { theirs.fine? && ours.text.include?("slice: the argument must be an integer") && any_text?(test, /\bslice\b/) }),
  Reason.new("a NUL between words counts as white space",
             ->(test, theirs, _ours) { theirs.status == "compile" && any_text?(test, /\0/) }),
  Reason.new("text that is not UTF-8 has an encoding of its own in Ruby, here it is bytes",
             ->(_test, theirs, _ours) { theirs.marks.include?("binary") })
].freeze
