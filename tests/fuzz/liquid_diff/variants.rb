# The reference as it would be with one of the differences taken away: what later versions do, or what we do on purpose.
# A difference is explained when the reference, so changed, prints exactly what we print. compare.rb tries them on cases
# that differ; while none is on, the reference is the one that Debian has.
require "timeout"
require_relative "reference"

module Variants
  # In the order in which they are tried.
  TEXTS = {
    big: "integers beyond 64 bits become floats",
    tablerow: "a tablerow without cols has one row; break and continue in it end its loop (since 5.5), not everything around it",
    raw: "endraw may have a dash in front, and stand behind an output that is not closed; what is behind raw -%} is kept (since 5.5)",
    default: "default without a value: 5.4 takes its option allow_false for one",
    trim: "-%} at the end of a template reaches into the partials of 5.4, which it reads later",
    cycle: "5.4 splits the values of cycle at commas, also at those in quotes",
    include: "break and continue end an include for a list; 5.4 goes on with the first piece of the next item",
    case: "break and continue end a case; 5.4 goes on with the first piece of each branch behind that is equal, too",
    replace: "Ruby reads backslashes in a replacement (\\\\0 is what was found); here they are text",
    comment: "what stands in a comment is not parsed (since 5.5)",
    commas: "commas between the options of a loop are allowed, as in lax mode",
    zero: "zero has no sign",
    era: "a number of more than 10,000,000,000,000,000 seconds is no date",
    number: "Ruby finds a date in nearly any text with a number (13.8 is a second); here it must look like one",
    date: "Ruby finds a date in nearly any text with a number and a letter; here it must look like one"
  }.freeze
  ALL = TEXTS.keys.freeze
  # Tried when no single one explains a case.
  SETS = [ALL - %i[date number], ALL - [:date], ALL].freeze
  LONGEST_S = 10

  @on = []

  class << self
    def on?(name)
      @on.include?(name)
    end

    # Status, text and marks, as render() gives them; nil when it takes too long. The data is a copy, since counters change it.
    def render(test, names)
      @on = names
      Timeout.timeout(LONGEST_S) { Object.send(:render, JSON.parse(JSON.generate(test))) }
    rescue Timeout::Error
      nil
    ensure
      @on = []
    end
  end

  module Numbers
    def change(value)
      return value.to_f if Variants.on?(:big) && value.is_a?(Integer) && value.bit_length > 63
      return value.abs if Variants.on?(:zero) && value.is_a?(Float) && value.zero?

      value
    end

    def evaluate(object)
      change(super)
    end

    def invoke(method, *args)
      change(super)
    end
  end
  Liquid::Context.prepend(Numbers)

  # As in 5.5.
  module TableRow
    def render_to_output_buffer(context, output)
      return super unless Variants.on?(:tablerow)

      collection = context.evaluate(@collection_name) or return ""
      from = @attributes.key?("offset") ? context.evaluate(@attributes["offset"]).to_i : 0
      to = @attributes.key?("limit") ? from + context.evaluate(@attributes["limit"]).to_i : nil
      collection = Liquid::Utils.slice_collection(collection, from, to)
      cols = @attributes.key?("cols") ? context.evaluate(@attributes["cols"]).to_i : collection.length
      output << "<tr class=\"row1\">\n"
      context.stack { cells(context, output, collection, Liquid::TablerowloopDrop.new(collection.length, cols)) }
      output << "</tr>\n"
    end

    private

    def cells(context, output, collection, loop)
      context["tablerowloop"] = loop
      collection.each do |item|
        context[@variable_name] = item
        output << "<td class=\"col#{loop.col}\">"
        @body.render_to_output_buffer(context, output)
        output << "</td>"
        break if context.interrupt? && context.pop_interrupt.is_a?(Liquid::BreakInterrupt)

        output << "</tr>\n<tr class=\"row#{loop.row + 1}\">" if loop.col_last && !loop.last
        loop.send(:increment!)
      end
    end
  end
  Liquid::TableRow.prepend(TableRow)

  module Raw
    END_TAG = /\A(.*?)\{%-?\s*endraw\b.*?(-?)%\}(.*)\z/m

    def parse(tokens)
      return super unless Variants.on?(:raw)

      @body = +""
      until (found = END_TAG.match(token = tokens.shift || raise_tag_never_closed(block_name)))
        @body << token
      end
      @body << found[1]
      tokens.instance_variable_get(:@tokens).unshift(found[3]) unless found[3].empty?
      parse_context.trim_whitespace = found[2] == "-"
    end

    protected

    def ensure_valid_markup(tag_name, markup, parse_context)
      super(tag_name, Variants.on?(:raw) ? markup.delete_suffix("-") : markup, parse_context)
    end
  end
  Liquid::Raw.prepend(Raw)

  module Filters
    def default(input, default_value = "", options = {})
      if Variants.on?(:default) && default_value.is_a?(Hash) && default_value.key?("allow_false")
        return super(input, "", default_value)
      end

      super
    end

    %i[replace replace_first replace_last].each do |name|
      define_method(name) do |input, string, replacement = ""|
        super(input, string, Variants.on?(:replace) ? replacement.to_s.gsub("\\") { "\\\\" } : replacement)
      end
    end
  end
  Liquid::StandardFilters.prepend(Filters)

  module Trim
    def parse(tokens, parse_context)
      parse_context.trim_whitespace = false if Variants.on?(:trim)
      super
    end
  end
  Liquid::Document.singleton_class.prepend(Trim)

  module Cycle
    private

    def variables_from_string(markup)
      return super unless Variants.on?(:cycle)

      markup.scan(/(?:"[^"]*"|'[^']*'|[^,"'])+/).filter_map { |var| parse_expression(var.strip) unless var.strip.empty? }
    end
  end
  Liquid::Cycle.prepend(Cycle)

  module Include
    def render_to_output_buffer(context, output)
      Variants.on?(:include) && context.interrupt? ? output : super
    end
  end
  Liquid::Template.prepend(Include)

  module Case
    def render_to_output_buffer(context, output)
      return super unless Variants.on?(:case)

      has_matched = false
      @blocks.each do |block|
        break if context.interrupt?

        holds = block.else? ? !has_matched : Liquid::Utils.to_liquid_value(block.evaluate(context))
        block.attachment.render_to_output_buffer(context, output) if holds
        has_matched ||= holds
      end
      output
    end
  end
  Liquid::Case.prepend(Case)

  module Comment
    def parse(tokens)
      return super unless Variants.on?(:comment)

      depth = 1
      while depth.positive?
        token = tokens.shift or raise_tag_never_closed(block_name)
        depth += 1 if token.match?(/\A\{%-?\s*comment\b/)
        depth -= 1 if token.match?(/\A\{%-?\s*endcomment\b/)
      end
      parse_context.trim_whitespace = token[-3] == "-"
    end
  end
  Liquid::Comment.prepend(Comment)

  module Commas
    def strict_parse(markup)
      super(Variants.on?(:commas) ? markup.gsub(/,(?=\s*(?:limit|offset)\b)/, " ") : markup)
    end
  end
  Liquid::For.prepend(Commas)

  module Date
    LAST = 10**16 # seconds
    NUMBER = /\A\s*[-+]?[\d.]+\s*\z/

    def to_date(value)
      is_text = value.is_a?(String) && !value.match?(/\A(?:\d+|now|today)\z/i)
      return if Variants.on?(:era) && !is_text && value.to_i.abs > LAST
      return if is_text && (Variants.on?(:date) || (Variants.on?(:number) && value.match?(NUMBER)))

      super
    end
  end
  Liquid::Utils.singleton_class.prepend(Date)
end
