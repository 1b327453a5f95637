# Compares the results of two engines for a batch and prints the table of what differed for a known reason. Every other
# difference is printed whole; any makes the status 1.
#
#   ruby compare.rb BATCH RESULTS_OF_REFERENCE RESULTS_OF_OURS
require "json"
require_relative "reasons"

Result = Struct.new(:status, :marks, :text) do
  def fine?
    status == "ok"
  end
end

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

def show(result)
  "#{[result.status, *result.marks].join(' ')}: #{result.text.inspect}"
end

batch_path, reference_path, ours_path = ARGV
most = ENV.fetch("DIFF_SHOW", "20").to_i
counts = Hash.new(0)
unexplained = 0
cases = 0
errors = 0
File.open(reference_path, "rb") do |reference|
  File.open(ours_path, "rb") do |ours_file|
    File.foreach(batch_path) do |line|
      theirs = read_result(reference)
      ours = read_result(ours_file)
      cases += 1
      errors += 1 unless ours.fine?
      next if same?(theirs, ours)

      test = JSON.parse(line)
      reason = REASONS.find { |r| r.applies.call(test, theirs, ours) }
      if reason
        counts[reason] += 1
        next
      end
      unexplained += 1
      puts "UNEXPLAINED #{line}  reference #{show(theirs)}\n  ours      #{show(ours)}" if unexplained <= most
    end
  end
end

REASONS.each { |reason| puts format("%7d  %s", counts[reason], reason.text) if counts[reason].positive? }
puts "#{cases} cases (#{errors} end in an error), #{counts.values.sum} differ for a known reason, #{unexplained} unexplained"
exit(unexplained.zero? ? 0 : 1)
