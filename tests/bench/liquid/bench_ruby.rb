# As bench_liquid.c, with ruby-liquid and, where it is installed, its C extension.
require "json"
require "liquid"
begin
  require "liquid/c"
rescue LoadError
  warn "ruby-liquid-c is not installed"
end

class Partials
  def initialize(dir)
    @dir = dir
  end

  def read_template_file(name)
    File.read("#{@dir}/templates/#{name.delete_suffix('.liquid')}.liquid")
  end
end

fixture, seconds = ARGV
Liquid::Template.file_system = Partials.new(fixture)
text = File.read("#{fixture}/templates/index.liquid")
begin
  template = Liquid::Template.parse(text)
rescue Liquid::SyntaxError
  raise unless Liquid.const_defined?(:C)

  Liquid::C.enabled = false # the extension is older than {% # %}
  template = Liquid::Template.parse(text)
end
data = JSON.parse(File.read("#{fixture}/data.json"))
# Counters write into the data, so each render begins with the data as it was; partials stay compiled between renders.
registers = { cached_partials: {} }
render = -> { template.render!(data.dup, registers: registers) }
if seconds == "0"
  print render.call
else
  seconds = seconds.to_f
  warm = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) + seconds / 4
  render.call while Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) < warm
  start = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
  count = 0
  loop do
    20.times { render.call }
    count += 20
    now = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
    next if now < start + seconds

    puts format("%.3f %d", (now - start) / count * 1e6, render.call.bytesize)
    break
  end
end
