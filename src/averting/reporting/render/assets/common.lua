-- What both filters need. What is wrong is written to standard error, one line each, for pandoc.py to word
-- with file and line.

local common = {
  -- in captions and in references; crossref options of the report may change both
  titles = { fig = "Figure", tbl = "Table", lst = "Listing" },
  names = { fig = "Figure", tbl = "Table", sec = "Section", eq = "Equation", lst = "Listing" },
}

common.target = FORMAT:match("^html") and "html" or FORMAT

function common.fault(kind, token)
  common.faulty = true
  io.stderr:write("averting-fault\t" .. kind .. "\t" .. token:gsub("%s+", " ") .. "\n")
end

function common.has(el, class) return el.classes:includes(class) end

function common.html(text) return pandoc.RawBlock("html", text) end

function common.prefix_of(id) return id and id:match("^(%l+)%-.") end

function common.kind_of(id)
  local prefix = common.prefix_of(id)
  return prefix and common.names[prefix] and prefix
end

return common
