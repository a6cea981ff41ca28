-- Last filter, for paper only: what the others left as HTML becomes Typst, with the texts that PDF/UA asks for.
-- Numbers, captions and references are made by then, so page and paper cannot differ in them.

local common = dofile(pandoc.path.join({ pandoc.path.directory(PANDOC_SCRIPT_FILE), "common.lua" }))
local paper = dofile(pandoc.path.join({ pandoc.path.directory(PANDOC_SCRIPT_FILE), "paper.lua" }))
local fault, has = common.fault, common.has
local stringify = pandoc.utils.stringify
local media

local function typst(text) return pandoc.RawBlock("typst", text) end
local function typst_inline(text) return pandoc.RawInline("typst", text) end
local function quoted(text) return '"' .. text:gsub("\\", "\\\\"):gsub('"', '\\"'):gsub("%s+", " ") .. '"' end

-- 1. What was HTML: see paper.lua -----------------------------------------------------------------------------------

local raw_block, raw_inline, scrolled, hidden = paper.raw_block, paper.raw_inline, paper.scrolled, paper.hidden

-- 2. Images, formulas, callouts ------------------------------------------------------------------------------------

local function image(el)
  local name, text = paper.kept(el, media)
  return name and typst_inline("#picture(" .. quoted(name) .. ", " .. quoted(text) .. ")") or {}
end

-- a word that no line can hold may be broken anywhere; addresses break by themselves
local WORD = 30

local function breakable(el)
  if (utf8.len(el.text) or 0) <= WORD or el.text:find("/") then return nil end
  local out, letters = pandoc.Inlines({}), 0
  for _, code in utf8.codes(el.text) do
    if letters > 0 and letters % 6 == 0 then out:insert(typst_inline("#sym.zws;")) end
    out:insert(pandoc.Str(utf8.char(code)))
    letters = letters + 1
  end
  return out
end

-- Typst makes a minus sign of a hyphen before a digit; text stays what it was
local function hyphens(el)
  if not el.text:find("%-%d") then return breakable(el) end
  local out, rest = pandoc.Inlines({}), el.text
  while true do
    local at = rest:find("%-%d")
    if not at then break end
    if at > 1 then out:insert(pandoc.Str(rest:sub(1, at - 1))) end
    out:insert(typst_inline("\\-"))
    rest = rest:sub(at + 1)
  end
  out:insert(pandoc.Str(rest))
  return out
end

local function formula(el)
  local body = pandoc.write(pandoc.Pandoc({ pandoc.Plain({ el }) }), "typst"):gsub("%s+$", "")
  local block = tostring(el.mathtype == "DisplayMath")
  -- the TeX source is what MathML readers are given too
  return typst_inline("#math.equation(block: " .. block .. ", alt: " .. quoted(el.text) .. ", " .. body .. ")")
end

local function equation(span)
  if not has(span, "equation") then return nil end
  local body, label = span.content[1], stringify(span.content[2])
  local out = pandoc.Inlines({ typst_inline("#numbered(" .. quoted(label) .. ")[") })
  out:extend(body.content)
  out:insert(typst_inline("] <" .. span.identifier .. ">"))
  return out
end

local function grid(div)
  if not has(div, "layout") then return nil end
  local out = pandoc.Blocks({ typst("#grid(columns: (1fr,) * " .. (div.attributes.style or ""):match("%d+") .. ", gutter: 1.2em,") })
  for _, block in ipairs(div.content) do
    out:insert(typst("["))
    out:insert(block)
    out:insert(typst("],"))
  end
  out:insert(typst(")"))
  return out
end

local function bold(span)
  if has(span, "float-number") then return pandoc.Strong(span.content) end
end

local function callout(div)
  local kind
  for _, class in ipairs(div.classes) do kind = class:match("^callout%-(%l+)$") or kind end
  if not has(div, "callout") then return nil end
  local title, body = div.content[1], div.content[2]
  local out = pandoc.Blocks({ typst("#callout(" .. quoted(kind) .. ", [") })
  out:insert(pandoc.Plain(title.content[1].content))
  out:insert(typst("])["))
  out:extend(body.content)
  out:insert(typst("]" .. (div.identifier ~= "" and " <" .. div.identifier .. ">" or "")))
  return out
end

-- 3. Tables: columns as wide as their words need, numbers to the right ---------------------------------------------

local function longest(text)
  local most = 0
  for word in text:gsub("\u{a0}", "_"):gmatch("[^%s]+") do most = math.max(most, utf8.len(word) or #word) end
  return most
end

local function measure(table)
  local rows = pandoc.List({}) -- a list of our own: the table's would grow
  rows:extend(table.head.rows)
  for _, body in ipairs(table.bodies) do rows:extend(body.body) end
  local widths = {}
  for column = 1, #table.colspecs do
    local total, word, most = 0, 0, 0
    for _, row in ipairs(rows) do
      local cell = row.cells[column]
      local text = cell and stringify(cell.contents) or ""
      local length = utf8.len(text) or #text
      total, word, most = total + length, math.max(word, longest(text)), math.max(most, length)
    end
    widths[column] = { mean = total / math.max(1, #rows), word = word, most = most }
  end
  return widths
end

local function numeric(table, column)
  local row = table.head.rows[1]
  local cell = row and row.cells[column]
  return cell and cell.attr.classes:includes("numeric")
end

local LINE = 92 -- letters of table text that fit across the page

local function set_columns(table)
  local widths, sum = measure(table), 0
  for _, width in ipairs(widths) do sum = sum + width.most + 3 end
  for column, spec in ipairs(table.colspecs) do
    local side = numeric(table, column) and "AlignRight" or spec[1]
    table.colspecs[column] = { side == "AlignDefault" and "AlignLeft" or side, nil }
  end
  if sum <= LINE then return false end
  -- more than a line: each column its longest word, and the rest shared by the text there is
  local shares, total = {}, 0
  for column, width in ipairs(widths) do
    shares[column] = math.max(math.min(width.word, 24) + 2, math.min(width.most + 2, 4 * math.sqrt(width.mean) + 2))
    total = total + shares[column]
  end
  for column, spec in ipairs(table.colspecs) do table.colspecs[column] = { spec[1], shares[column] / total } end
  return true
end

local WHOLE = 24 -- a table of so many lines is not torn

local function paper_table(table)
  local rows = #table.bodies > 0 and #table.bodies[1].body or 0
  local lines = set_columns(table) and 2 * rows or rows
  if lines > WHOLE then return { typst("#room"), table } end
  return { typst("#whole["), table, typst("]") }
end

-- a label in letters that a font may not have, which are written as their numbers, would be none
local function plain_label(id)
  return id:match("^[%w_.:%-]*$") and id or "u" .. pandoc.utils.sha1(id):sub(1, 16)
end

local function labels(el)
  el.identifier = plain_label(el.identifier)
  return el
end

local function link(el)
  local id = el.target:match("^#(.+)$")
  if id then el.target = "#" .. plain_label(id) end
  return labels(el)
end

-- words that lead to a list or a table stay with it
local function leading(blocks)
  local out = pandoc.Blocks({})
  for i, block in ipairs(blocks) do
    local after = blocks[i + 1] and blocks[i + 1].t
    local leads = block.t == "Para" and stringify(block):match(":$") and (after == "BulletList" or after == "OrderedList" or after == "Table")
    if leads then out:insert(typst("#block(sticky: true)[")) end
    out:insert(block)
    if leads then out:insert(typst("]")) end
  end
  return out
end

-- ------------------------------------------------------------------------------------------------------------------

function Pandoc(doc)
  media = stringify(doc.meta["averting-media"])
  doc = doc:walk({ traverse = "topdown", Div = function(d) return hidden(d) or scrolled(d) end })
  doc = doc:walk({ RawBlock = raw_block, RawInline = raw_inline })
  doc = doc:walk({ traverse = "topdown", Div = hidden, Span = function(s) return hidden(s) or equation(s) or bold(s) end })
  -- what a cell shows stands free on the page, so that a page may end in it
  doc = doc:walk({ Div = function(d) if has(d, "cell") and d.identifier == "" then return d.content end end })
  doc = doc:walk({ Blocks = leading })
  doc = doc:walk({ Div = grid }) -- before tables become several blocks each
  doc = doc:walk({ Table = paper_table, Div = callout })
  doc = doc:walk({
    Image = image,
    Math = formula,
    Str = hyphens,
    Header = function(h)
      h.level = h.level - 1
      return h
    end,
  })
  doc = doc:walk({ Header = labels, Div = labels, Span = labels, Figure = labels, Table = labels, CodeBlock = labels, Link = link })
  if common.faulty then error("averting found faults") end
  return doc
end
