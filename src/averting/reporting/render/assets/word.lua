-- Last filter, for Word only: no HTML is left, pictures are files that Word can show, callouts are quotations.

local common = dofile(pandoc.path.join({ pandoc.path.directory(PANDOC_SCRIPT_FILE), "common.lua" }))
local paper = dofile(pandoc.path.join({ pandoc.path.directory(PANDOC_SCRIPT_FILE), "paper.lua" }))
local has = common.has
local stringify = pandoc.utils.stringify
local media

local WIDE = 450 -- points between the margins

-- embedded.py makes a PNG of every SVG, under the same name
local function image(el)
  local name, text, bytes = paper.kept(el, media)
  if not name then return {} end
  local natural = name:match("%.svg$") and tonumber(bytes:match('<svg[^>]-%swidth="([%d.]+)pt"')) or WIDE
  local points = string.format("%.0fpt", math.min(natural, WIDE))
  return pandoc.Image({ pandoc.Str(text) }, (name:gsub("%.svg$", ".png")), "", pandoc.Attr("", {}, { width = points }))
end

local function callout(div)
  if not has(div, "callout") then return nil end
  local title, body = div.content[1], div.content[2]
  local out = pandoc.Blocks({ pandoc.Para({ pandoc.Strong(title.content[1].content) }) })
  out:extend(body.content)
  return pandoc.BlockQuote(out)
end

local function equation(span)
  if not has(span, "equation") then return nil end
  local out = pandoc.Inlines({})
  out:extend(span.content[1].content)
  out:extend({ pandoc.Space(), pandoc.Str(stringify(span.content[2])) })
  return out
end

local function bold(span)
  if has(span, "float-number") then return pandoc.Strong(span.content) end
end

local function numbers_right(table)
  local head = table.head.rows[1]
  for column, spec in ipairs(table.colspecs) do
    local cell = head and head.cells[column]
    local numeric = cell and cell.attr.classes:includes("numeric")
    table.colspecs[column] = { numeric and "AlignRight" or spec[1] == "AlignDefault" and "AlignLeft" or spec[1], nil }
  end
  return table
end

-- pandoc would lay a figure out as a table; a picture with a caption below it reads as what it is
local function figure(fig)
  local out = pandoc.Blocks({})
  for _, block in ipairs(fig.content) do
    out:insert(block.t == "Plain" and pandoc.Para(block.content) or block)
  end
  local words = pandoc.utils.blocks_to_inlines(fig.caption.long)
  if #words > 0 then out:insert(pandoc.Div({ pandoc.Para(words) }, pandoc.Attr("", {}, { ["custom-style"] = "Image Caption" }))) end
  return pandoc.Div(out, pandoc.Attr(fig.identifier))
end

function Pandoc(doc)
  media = stringify(doc.meta["averting-media"])
  doc = doc:walk({ traverse = "topdown", Div = function(d) return paper.hidden(d) or paper.scrolled(d) end })
  doc = doc:walk({ RawBlock = paper.raw_block, RawInline = paper.raw_inline })
  doc = doc:walk({ traverse = "topdown", Div = paper.hidden, Span = function(s) return paper.hidden(s) or equation(s) or bold(s) end })
  doc = doc:walk({ Div = callout, Table = numbers_right, Figure = figure })
  doc = doc:walk({ Image = image, Header = function(h) h.level = h.level - 1; return h end })
  if common.faulty then error("averting found faults") end
  -- what is meant for the filters would stand among the document's properties, with a path of this machine
  for _, key in ipairs({ "averting-media", "averting-toc-depth", "averting-number-sections", "averting-crossref" }) do doc.meta[key] = nil end
  return doc
end
