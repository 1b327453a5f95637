# Writes COUNT random cases from SEED, one JSON object a line: template, data, partials. The same seed gives the same
# cases everywhere.
#
#   ruby generate.rb COUNT SEED > batch
#
# Most of a template is what people write; some of it is what they write by mistake. Ranges stay small and only
# variables that nothing assigns to are used for their ends, so that no case takes long in either engine.
require "json"

class Generator
  STRINGS = ["", " ", "a", "b", "hello", "Hello World", "two  words ", "\tx\n y\r\n", "1", "3", "-7", "2.50", "1e3", "0x1A", " 12 ",
             "12abc", "3.0.1", "a,b,,c", "a b c d e", "one two three four five six", "<b>bold</b> & \"q\" 'x'", "&lt;a&gt; &amp; &copy &#39; <",
             "<p>t<!-- c --></p><script>x</script>z<style>s</style>", "árvíztűrő TÜKÖRFÚRÓGÉP", "straße ŉ ǆ", "سلام دنیا ۱۲۳", "Բարեւ", "Ærø ΣΑΣ",
             "日本語テキスト", "é👍🏽x👨‍👩‍👧", "a+b%20c%C3%A9", "%zz %41", "?a=1&b=x y/ü", "aGVsbG8=", "w6k=", "-_8=", "not base64!", "\\0 \\1 \\\\ \\&", "$1 ^.*[",
             "{{ x }} {% y %}", "true", "false", "nil", "size", "now", "aXbXc", "line1\nline2\n\nline4", "a-b_c.d", "ABC", "Zebra", "apple", "Banana", "10", "9"].freeze
  DATES = ["2024-02-29", "2023-12-31T23:59:59Z", "2020-01-05 08:07:06 +0530", "March 14, 2016", "Fri, 14 Mar 2008 09:05:00 GMT", "1 Jan 1970", "10:30",
           "2024-13-45", "today", "now", "1700000000", "20240229", "2024-W09-4", "2021-02-30", "not a date", "5 days ago", "jan 5 2010 3pm", "12/25/2020",
           "25.12.2020", "2010-01-01T00:00:00.123456-08:00", "Tue", "May", "1st of april 2001", "2019-06", "-1", "99", "3 feb 04"].freeze
  FORMATS = ["%Y-%m-%d", "%d %B %Y", "%b %e, %y", "%H:%M:%S", "%I:%M %p", "%l%P", "%j %U %W %u %w", "%A %a", "%s", "%Z %z %:z", "%-d/%-m/%y", "%^a %^B",
             "%10Y|%-H|%_m|%03d", "%F %T %D %R", "%c", "%x %X", "%%", "%L %N %3N", "%G-W%V-%g", "%C", "%h", "%n%t", "%q|", "", "plain", "%#p %#B", "%+",
             "%E %O %Ey %Od", "%10n|%5%", "%v", "%::z %010z"].freeze
  SCALARS = %w[a b c s t n m d x].freeze
  KEYS = %w[k title price size first last b-c x].freeze
  OBJECTS = %w[o p].freeze
  LISTS = %w[list nums words objs nest mixed none].freeze
  SMALL = %w[small neg three nothing].freeze
  LOCALS = %w[v0 v1 v2 v3].freeze
  PARTIALS = %w[card row foot].freeze
  TEXTS = ["", " ", "\n", "x", "text ", " text", "\n  <p>\n", "é", "{ } % ", "--", "\t", "a\n\nb ", "'\"", "}} %}"].freeze
  OPERATORS = %w[== != <> < > <= >= contains].freeze

  # Filters and what their arguments are like.
  FILTERS = {
    "abs" => [], "append" => [:text], "at_least" => [:number], "at_most" => [:number], "base64_decode" => [], "base64_encode" => [],
    "base64_url_safe_decode" => [], "base64_url_safe_encode" => [], "capitalize" => [], "ceil" => [], "compact" => [:key?], "concat" => [:list],
    "date" => [:format], "default" => [:any?], "divided_by" => [:number], "downcase" => [], "escape" => [], "escape_once" => [], "first" => [],
    "floor" => [], "h" => [], "join" => [:text?], "last" => [], "lstrip" => [], "map" => [:key], "minus" => [:number], "modulo" => [:number],
    "newline_to_br" => [], "plus" => [:number], "prepend" => [:text], "remove" => [:piece], "remove_first" => [:piece], "remove_last" => [:piece],
    "replace" => [:piece, :text?], "replace_first" => [:piece, :text?], "replace_last" => [:piece, :text], "reverse" => [], "round" => [:digits?],
    "rstrip" => [], "size" => [], "slice" => [:index, :index?], "sort" => [:key?], "sort_natural" => [:key?], "split" => [:piece], "strip" => [],
    "strip_html" => [], "strip_newlines" => [], "times" => [:number], "truncate" => [:index?, :text?], "truncatewords" => [:index?, :text?],
    "uniq" => [:key?], "upcase" => [], "url_decode" => [], "url_encode" => [], "where" => [:key, :any?],
    # newer than 5.4
    "sum" => [:key?], "find" => [:key, :any?], "find_index" => [:key, :any?], "has" => [:key, :any?], "reject" => [:key, :any?]
  }.freeze
  NEW = %w[find find_index has reject sum].freeze
  COMMON = (FILTERS.keys - NEW).freeze
  FOR_LISTS = %w[compact concat first join last map reverse size slice sort sort_natural uniq where].freeze
  FOR_NUMBERS = %w[abs at_least at_most ceil divided_by floor minus modulo plus round times].freeze

  def initialize(seed, index)
    @random = Random.new((seed << 32) + index)
    @names = {}
    @partials = {}
    @budget = 4 + pick(14)
  end

  def generate
    template = pick(3).zero? ? focused : body(0)
    template = damage(template) if chance(4)
    { "template" => template, "data" => data, "partials" => @partials }
  end

  private

  def pick(n)
    @random.rand(n)
  end

  def chance(percent)
    pick(100) < percent
  end

  def one(list)
    list[pick(list.size)]
  end

  # --- data -----------------------------------------------------------------------------------------------------------

  def name(name)
    @names[name] = true
    name
  end

  def number
    case pick(12)
    when 0 then 0
    when 1 then -pick(20)
    when 2 then pick(1_000_000_000_000)
    when 3 then chance(70) ? pick(1000) : one([9_223_372_036_854_775_807, -9_223_372_036_854_775_808, 4_294_967_296, 1_000_000_000_000_000_000])
    when 4 then one([0.0, -0.0, 0.1, 1.0, -1.5, 2.5, 1e20, 1e-7, 1.0e15, 123_456_789.125, 1e16, 100.0, 3.14159, -0.005])
    when 5 then (pick(200_000) - 100_000) / 100.0
    else pick(100)
    end
  end

  def scalar
    case pick(10)
    when 0 then nil
    when 1 then chance(50)
    when 2, 3, 4 then number
    when 5 then one(DATES)
    else one(STRINGS)
    end
  end

  def object(depth = 0)
    Array.new(pick(4)) { [one(KEYS), depth < 2 && chance(20) ? value(depth + 1) : scalar] }.to_h
  end

  def array(depth = 0)
    kind = pick(6)
    Array.new(chance(15) ? 0 : 1 + pick(6)) do
      case kind
      when 0 then pick(20)
      when 1 then one(STRINGS)
      when 2 then object(depth + 1)
      when 3 then depth < 2 ? value(depth + 1) : scalar
      when 4 then number
      else scalar
      end
    end
  end

  def value(depth = 0)
    case pick(4)
    when 0 then array(depth)
    when 1 then object(depth)
    else scalar
    end
  end

  def value_for(name)
    case name
    when *LOCALS then scalar
    when "s", "t" then chance(85) ? one(STRINGS) : scalar
    when "n", "m" then chance(85) ? number : scalar
    when "d" then chance(70) ? one(DATES) : pick(2_000_000_000)
    when "small" then pick(7)
    when "three" then "3"
    when "neg" then -pick(4)
    when "list", "mixed" then array
    when "nums" then Array.new(pick(7)) { chance(80) ? pick(50) - 5 : number }
    when "words" then Array.new(pick(7)) { one(STRINGS) }
    when "objs"
      keys = [one(KEYS), one(KEYS)]
      Array.new(pick(6)) { chance(90) ? keys.to_h { |k| [k, scalar] } : object }
    when "nest" then Array.new(pick(4)) { chance(60) ? array(1) : scalar }
    when "none" then one([[], {}, "", nil])
    when "o", "p" then object
    else scalar
    end
  end

  def data
    @names.keys.reject { |n| n == "nothing" || chance(6) }.to_h { |n| [n, value_for(n)] }
  end

  # --- expressions ----------------------------------------------------------------------------------------------------

  def quoted(text)
    return "\"#{text}\"" if text.include?("'") && !text.include?('"')

    text = text.delete("'")
    chance(50) && !text.include?('"') ? "\"#{text}\"" : "'#{text}'"
  end

  def safe_string
    text = one(STRINGS)
    text.match?(/[{}%]/) ? "abc" : text
  end

  def number_text
    case pick(12)
    when 0 then chance(80) ? pick(1000).to_s : one(%w[9223372036854775807 9223372036854775808 -9223372036854775808 99999999999999999999999 1000000000000])
    when 1 then format("%.#{1 + pick(3)}f", (pick(20_000) - 10_000) / 100.0)
    when 2, 3 then one(%w[0.1 1.0 -0.5 100.00 0.000001 123456789.987654321 007 -0 -3 1.10])
    else (pick(30) - 4).to_s
    end
  end

  def keyword
    one(%w[nil null true false empty blank])
  end

  def range
    ends = [pick(6) - 2, pick(9)].map { |n| chance(20) ? name(one(SMALL)) : n.to_s }
    chance(3) ? "(#{one(%w['2' 1.5 true nil s])}..#{ends[1]})" : "(#{ends[0]}..#{ends[1]})"
  end

  def step
    case pick(8)
    when 0 then ".size"
    when 1 then ".first"
    when 2 then ".last"
    when 3 then "[#{pick(7) - 3}]"
    when 4 then "[#{quoted(one(KEYS))}]"
    when 5 then "[#{chance(85) ? name(one(SCALARS + SMALL)) : variable(2)}]"
    else ".#{one(KEYS)}"
    end
  end

  def variable(depth = 0)
    base = case pick(10)
           when 0, 1, 2 then name(one(SCALARS))
           when 3, 4 then name(one(OBJECTS)) + (chance(80) ? step : "")
           when 5, 6 then name(one(LISTS)) + (chance(50) ? step : "")
           when 7 then one(LOCALS)
           when 8 then @in_loop ? loop_variable : name(one(SCALARS))
           else name(one(SMALL))
           end
    return "[#{quoted(base[/\A\w+/])}]" if chance(2) && depth.zero?

    base += step if depth < 2 && chance(15)
    base
  end

  def loop_variable
    chance(50) ? one(%w[i i.title i[0] i[1] i.first i.size]) : "forloop.#{one(%w[index index0 rindex rindex0 first last length name parentloop parentloop.index])}"
  end

  def literal
    case pick(8)
    when 0 then keyword
    when 1, 2, 3 then number_text
    else quoted(chance(30) ? one(KEYS) : safe_string)
    end
  end

  def expression
    case pick(10)
    when 0, 1, 2, 3 then literal
    when 4 then chance(40) ? range : variable
    else variable
    end
  end

  def list_expression
    case pick(10)
    when 0, 1, 2 then range
    when 3 then variable
    when 4 then chance(50) ? literal : one(LOCALS)
    else name(one(LISTS))
    end
  end

  def argument(kind)
    return expression if chance(8)

    case kind
    when :text then chance(60) ? quoted(safe_string) : variable
    when :piece then chance(70) ? quoted(one(["", " ", "a", "l", ",", "b", "X", "  ", "o", "é", ".", "\n", "1", "ll", "\\"])) : quoted(safe_string)
    when :number then chance(60) ? number_text : name(one(%w[n m small neg three]))
    when :digits then (pick(8) - 3).to_s
    when :index then chance(80) ? (pick(14) - 5).to_s : one(["'3'", "1.5", "'x'", "nil", "100", "-100"])
    when :key then quoted(one(KEYS))
    when :list then name(one(LISTS))
    when :format then quoted(one(FORMATS))
    else expression
    end
  end

  def arguments(filter)
    wanted = FILTERS.fetch(filter, []).take_while { |kind| !kind.end_with?("?") || chance(60) }
    args = wanted.map { |kind| argument(kind.to_s.delete("?").to_sym) }
    args = chance(50) ? args + [expression] : args[0...-1] if chance(1) && chance(40)
    args << "allow_false: #{one(%w[true false])}" if filter == "default" && chance(40)
    args
  end

  def filter(names)
    name = chance(97) ? one(names) : one(FILTERS.keys)
    name = chance(50) ? one(COMMON) : one(%w[nosuch Size]) if NEW.include?(name) && chance(70)
    args = arguments(name)
    space = chance(90) ? " " : ""
    "#{space}|#{space}#{name}#{args.empty? ? '' : ":#{space}#{args.join(chance(90) ? ', ' : ',')}"}"
  end

  def pipe(most = 3)
    case pick(10)
    when 0, 1 then list_expression + Array.new(1 + pick(most)) { filter(FOR_LISTS) }.join
    when 2 then (chance(50) ? number_text : name(one(%w[n m]))) + Array.new(1 + pick(most)) { filter(FOR_NUMBERS) }.join
    when 3 then name("d") + filter(["date"])
    when 4 then expression
    else expression + Array.new(pick(most) + (chance(70) ? 1 : 0)) { filter(COMMON) }.join
    end
  end

  def comparison
    return expression if chance(30)

    "#{expression} #{one(OPERATORS)} #{expression}"
  end

  def condition
    parts = [comparison]
    parts << one(%w[and or]) << comparison while chance(20) && parts.size < 6
    parts.join(" ")
  end

  # --- tags -----------------------------------------------------------------------------------------------------------

  def tag(text)
    dash = chance(10) ? ["-", ""] : chance(10) ? ["", "-"] : chance(5) ? ["-", "-"] : ["", ""]
    space = chance(95) ? " " : one(["", "\n", "  "])
    "{%#{dash[0]}#{space}#{text}#{space}#{dash[1]}%}"
  end

  def output(text)
    dash = chance(8) ? ["-", ""] : chance(8) ? ["", "-"] : ["", ""]
    "{{#{dash[0]} #{text} #{dash[1]}}}"
  end

  def focused
    case pick(4)
    when 0 then "#{tag("if #{condition}")}y#{tag('else')}n#{tag('endif')}"
    when 1 then "#{tag("assign v0 = #{pipe}")}#{output("v0#{chance(40) ? filter(COMMON) : ''}")}"
    else output(pipe(4))
    end
  end

  def body(depth)
    Array.new(1 + pick(4)) { piece(depth) }.join
  end

  def piece(depth)
    @budget -= 1
    return one(TEXTS) if @budget.negative?

    case pick(depth > 3 ? 10 : 16)
    when 0, 1, 2 then one(TEXTS)
    when 3, 4, 5, 6 then output(pipe)
    when 7, 8, 9 then simple
    else block(depth)
    end
  end

  def simple
    case pick(14)
    when 0, 1, 2 then tag("assign #{one(LOCALS)} = #{pipe}")
    when 3 then tag("echo #{pipe}")
    when 4 then tag("#{one(%w[increment decrement])} #{one(%w[v0 v1 counter a])}")
    when 5 then tag("cycle #{chance(30) ? "#{one(%w['g' 1 a v0])}: " : ''}#{Array.new(1 + pick(3)) { chance(70) ? literal : name(one(SCALARS)) }.join(', ')}")
    when 6 then @in_loop || chance(15) ? tag(one(%w[break continue])) : one(TEXTS)
    when 7 then tag("comment") + (chance(2) ? "{% if %}" : one(["", "x", "{{ a }}", "{% if a %}{% endif %}"])) + tag("endcomment")
    when 8 then tag("raw") + one(["{{ a }}", " {% if %} ", "", "{{", " x "]) + (chance(2) ? "{%- endraw %}" : "{% endraw #{one(['', '-'])}%}")
    when 9 then tag(one(["# note", "#note", "# one\n # two"]))
    when 10, 11 then partial
    when 12 then liquid
    else output(variable)
    end
  end

  def block(depth)
    case pick(10)
    when 0, 1, 2 then branches(depth)
    when 3, 4, 5 then loop_block(depth)
    when 6 then cases(depth)
    when 7 then tablerow(depth)
    when 8 then tag("capture #{one(LOCALS)}") + body(depth + 1) + tag("endcapture")
    else tag("ifchanged") + body(depth + 1) + tag("endifchanged")
    end
  end

  def branches(depth)
    kind = chance(75) ? "if" : "unless"
    text = tag("#{kind} #{condition}") + body(depth + 1)
    text += tag("elsif #{condition}") + body(depth + 1) if chance(25)
    text += tag("else") + body(depth + 1) if chance(40)
    text + tag("end#{kind}")
  end

  def loop_options(names)
    text = +""
    text << " reversed" if names.include?("limit") && !names.include?("cols") && chance(15)
    names.shuffle(random: @random).each do |option|
      next unless chance(25)

      value = option == "offset" && !names.include?("cols") && chance(30) ? "continue" : chance(80) ? pick(5).to_s : one(["small", "'2'", "nil", "neg", "1.0", "'x'"])
      name(value) if SMALL.include?(value)
      text << (chance(99) ? " " : ", ") << "#{option}: #{value}"
    end
    text
  end

  def in_loop
    before = @in_loop
    @in_loop = true
    text = yield
    @in_loop = before
    text
  end

  def loop_block(depth)
    text = tag("for i in #{list_expression}#{loop_options(%w[limit offset])}")
    text += in_loop { body(depth + 1) }
    text += tag("else") + body(depth + 1) if chance(20)
    text + tag("endfor")
  end

  def tablerow(depth)
    head = "tablerow i in #{list_expression}#{loop_options(%w[cols limit offset])}"
    inner = in_loop { body(depth + 1) + (chance(40) ? output("tablerowloop.#{one(%w[index col col0 col_first col_last row first last length rindex0])}") : "") }
    tag(head) + inner + tag("endtablerow")
  end

  def cases(depth)
    text = tag("case #{expression}")
    text += one(["", " ", "\n"])
    (1 + pick(3)).times do
      text += tag("when #{Array.new(1 + pick(2)) { chance(80) ? literal : variable }.join(one([', ', ' or ']))}") + body(depth + 1)
    end
    text += tag("else") + body(depth + 1) if chance(40)
    text + tag("endcase")
  end

  # A partial uses only those behind it in the list: what calls itself in a loop takes for ever in Ruby.
  def partial
    open = @open_partials || 0
    return one(TEXTS) if open == PARTIALS.size

    index = open + pick(PARTIALS.size - open)
    name = PARTIALS[index]
    unless @partials.key?(name)
      before = @in_loop
      @open_partials = index + 1
      @in_loop = chance(30)
      text = body(3)
      text += output(name) if chance(50)
      @partials[name] = text
      @in_loop = before
      @open_partials = open
    end
    kind = chance(60) ? "render" : "include"
    with = chance(40) ? " #{one(%w[with for])} #{chance(50) ? name(one(LISTS)) : variable}#{chance(30) ? ' as v1' : ''}" : ""
    args = chance(40) ? ", #{one(%w[v0 v2 a])}: #{expression}" : ""
    tag("#{kind} '#{chance(98) ? name : 'missing'}'#{with}#{args}")
  end

  def liquid
    lines = Array.new(1 + pick(3)) do
      case pick(4)
      when 0 then "assign #{one(LOCALS)} = #{pipe}"
      when 1 then "echo #{pipe}"
      when 2 then "if #{condition}\n echo #{expression}\n else\n echo 'no'\n endif"
      else "for i in #{list_expression}\n  echo i\n endfor"
      end
    end.map { |line| line.match?(/['"][^'"\n]*[\n\r]/) ? "echo 1" : line }
    "{%- liquid\n #{lines.join("\n ")}\n%}"
  end

  # One slip of the hand.
  def damage(text)
    at = pick(text.size + 1)
    case pick(4)
    when 0 then text[0...at] + text[at + 1 + pick(3)..].to_s
    when 1 then text.dup.insert(at, one(["%}", "{{", "}}", "{%", "|", ":", ",", "'", "\"", "(", ")", "[", "]", ".", "-", " ", "=", "end", "\0", "!"]))
    when 2 then text[0...at]
    else text.sub(/\b(endif|endfor|else|if|for|in|when|assign)\b/) { one(["", "end", "elsee", "endif", "x"]) }
    end
  end
end

if $PROGRAM_NAME == __FILE__
  count, seed = ARGV.map(&:to_i)
  count.times { |i| puts JSON.generate(Generator.new(seed, i).generate) }
end
