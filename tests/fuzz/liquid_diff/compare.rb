# Compares the results of two engines for a batch and prints the table of what differed for a known reason: the reference
# with a difference taken away prints what we do (variants.rb), or reasons.rb says so. Every other difference is printed
# whole; any makes the status 1.
#
#   ruby compare.rb BATCH RESULTS_OF_REFERENCE RESULTS_OF_OURS
require "json"
require_relative "reasons"
require_relative "variants"

Result = Struct.new(:status, :marks, :text) do
  def fine?
    status == "ok"
  end
end

TOGETHER = "several of these together"

def read_result(file)
  status, length = (file.gets or abort("#{file.path} ends too early")).split
  text = file.read(length.to_i).force_encoding("UTF-8")
  file.read(1)
  status, *marks = status.split("+")
  Result.new(status, marks, text)
end

def same?(theirs, ours)
  theirs.fine? ? ours.fine? && theirs.text.b == ours.text.b : !ours.fine?
end

def vary(test, names)
  status, text = Variants.render(test, names)
  Result.new(status, MARKS.dup, text || "")
end

# The same text, or an error in the same phase: the texts of errors are each engine's own.
def agree?(varied, ours)
  varied.status == ours.status && (!ours.fine? || varied.text.b == ours.text.b)
end

def find_reason(test, theirs, ours)
  REASONS.find { |r| r.applies.call(test, theirs, ours) }&.text
end

def explain(test, theirs, ours)
  name = Variants::ALL.find { |v| agree?(vary(test, [v]), ours) }
  return Variants::TEXTS[name] if name

  reason = find_reason(test, theirs, ours)
  return reason if reason

  TOGETHER if Variants::SETS.map { |names| vary(test, names) }.any? { |varied| agree?(varied, ours) || find_reason(test, varied, ours) }
end

def show(result)
  "#{[result.status, *result.marks].join(' ')}: #{result.text.inspect}"
end

batch_path, reference_path, ours_path = ARGV
most = ENV.fetch("DIFF_SHOW", "20").to_i
counts = Hash.new(0)
unexplained = 0
cases = 0
errors = 0
limit_memory
File.open(reference_path, "rb") do |reference|
  File.open(ours_path, "rb") do |ours_file|
    File.foreach(batch_path) do |line|
      theirs = read_result(reference)
      ours = read_result(ours_file)
      cases += 1
      errors += 1 unless ours.fine?
      next if same?(theirs, ours)

      test = JSON.parse(line)
      reason = explain(test, theirs, ours)
      if reason
        counts[reason] += 1
        next
      end
      unexplained += 1
      puts "UNEXPLAINED #{line}  reference #{show(theirs)}\n  ours      #{show(ours)}" if unexplained <= most
    end
  end
end

[*Variants::TEXTS.values, TOGETHER, *REASONS.map(&:text)].each do |reason|
  puts format("%7d  %s", counts[reason], reason) if counts[reason].positive?
end
puts "#{cases} cases (#{errors} end in an error), #{counts.values.sum} differ for a known reason, #{unexplained} unexplained"
exit(unexplained.zero? ? 0 : 1)
