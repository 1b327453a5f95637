# Renders a batch with Debian's ruby-liquid: cases as JSON lines on standard input, results on standard output in the
# form of liquid_batch.c. Needs TZ=UTC.
#
# Behind the status stand marks of what happened on the way, for reasons.rb: ok+big.
#
# An error anywhere is the answer of the whole case, as the other engine stops at the first one. `blank?` is what Rails
# gives every value: Liquid asks for that method, and the shops it comes from have it.
require "json"
require "liquid"

NOW = Time.at(1_795_255_200) # as in liquid_batch.c

class Time
  def self.now
    NOW
  end
end

class Object
  def blank?
    respond_to?(:empty?) ? !!empty? : !self
  end
end

class String
  def blank?
    match?(/\A[[:space:]]*\z/)
  end
end

class Numeric
  def blank?
    false
  end
end

# Partials by name.
class Partials
  def initialize(texts)
    @texts = texts
  end

  def read_template_file(name)
    @texts.fetch(name) { raise Liquid::FileSystemError, "no partial #{name}" }
  end
end

# What happened in the case that is being rendered.
MARKS = []
LOOPS = []

def mark(mark)
  MARKS << mark unless MARKS.include?(mark)
end

def look_at(value)
  case value
  when Integer then mark("big") if value.bit_length > 63
  when Float then mark("infinite") unless value.finite?
  when String then mark("binary") unless value.encoding == Encoding::UTF_8 && value.valid_encoding?
  when Array then value.each { |item| look_at(item) }
  end
  value
end

module Watch
  def evaluate(object)
    look_at(super)
  end

  def invoke(method, *args)
    look_at(super)
  end

  # 5.4 forgets to be strict in a partial.
  def new_isolated_subcontext
    super.tap { |context| context.strict_filters = strict_filters }
  end
end
Liquid::Context.prepend(Watch)

# Items that are equal stay in order here; what Ruby's sort does with them is its own affair.
module StableSort
  def sort
    to_a.each_with_index.sort do |(a, i), (b, j)|
      order = yield(a, b)
      order.zero? ? i <=> j : order
    end.map(&:first)
  end
end
Liquid::StandardFilters::InputIterator.prepend(StableSort)

module NilsAreEqual
  private

  def nil_safe_casecmp(one, other)
    one.nil? && other.nil? ? 0 : super
  end
end
Liquid::StandardFilters.prepend(NilsAreEqual)

module WatchLoop
  def render_to_output_buffer(context, output)
    LOOPS.push(self.class)
    super
  ensure
    LOOPS.pop
  end
end
[Liquid::For, Liquid::TableRow].each { |tag| tag.prepend(WatchLoop) }

module WatchJump
  def render_to_output_buffer(context, output)
    mark("tablerow_jump") if LOOPS.last == Liquid::TableRow
    super
  end
end
[Liquid::Break, Liquid::Continue].each { |tag| tag.prepend(WatchJump) }

def render(test)
  MARKS.clear
  template = Liquid::Template.parse(test["template"], error_mode: :strict)
  text = template.render(test["data"], strict_filters: true, registers: { file_system: Partials.new(test["partials"]) })
  template.errors.each { |e| mark("internal") if e.is_a?(Liquid::InternalError) }
  return ["render", template.errors.first.message] unless template.errors.empty?

  ["ok", text]
rescue Liquid::Error => e
  ["compile", e.message]
rescue SystemStackError, StandardError, NotImplementedError, NoMemoryError => e
  ["crash", "#{e.class}: #{e.message}"]
end

# Some arithmetic of Ruby takes all there is.
def limit_memory
  Process.setrlimit(Process::RLIMIT_AS, 2 << 30)
end

if $PROGRAM_NAME == __FILE__
  limit_memory
  $stdout.binmode
  $stdout.sync = true if ENV["DIFF_SYNC"]
  $stdin.each_line do |line|
    status, text = render(JSON.parse(line))
    $stdout.write("#{[status, *MARKS].join('+')} #{text.bytesize}\n", text.b, "\n")
  end
end
