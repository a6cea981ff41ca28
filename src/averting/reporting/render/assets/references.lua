-- Second filter: headings, figures and tables with their numbers and captions, references to them, and a last look.

local common = dofile(pandoc.path.join({ pandoc.path.directory(PANDOC_SCRIPT_FILE), "common.lua" }))
local fault, has, html, kind_of = common.fault, common.has, common.html, common.kind_of
local NAMES, TITLES = common.names, common.titles
local stringify = pandoc.utils.stringify
local function html_inline(text) return pandoc.RawInline("html", text) end

-- 1. Headings: one h1 (the title), numbers, contents ---------------------------------------------------------------

local numbers, titles = {}, {}

local ROMAN = { { 10, "x" }, { 9, "ix" }, { 5, "v" }, { 4, "iv" }, { 1, "i" } }
local labels, delimiter = { sub = "alpha a" }, ":"

local function roman(n)
  local out = ""
  for _, pair in ipairs(ROMAN) do
    while n >= pair[1] do out, n = out .. pair[2], n - pair[1] end
  end
  return out
end

-- Quarto's ways to count: arabic; alpha and roman, whose second word is the letter to start with
local function label(n, way)
  local name, first = (way or "arabic"):match("^(%a+)%s*(%a?)$")
  if name == "alpha" then return string.char((first == "A" and 64 or 96) + n) end
  if name == "roman" then return first == "I" and roman(n):upper() or roman(n) end
  return tostring(n)
end

local parent -- the float whose parts are being numbered: { id, count }

local function number(id)
  if numbers[id] then fault("duplicate", id) end
  if parent then
    parent.count = parent.count + 1
    local part = label(parent.count, labels.sub)
    numbers[id] = numbers[parent.id] .. " (" .. part .. ")"
    return part
  end
  local kind = kind_of(id)
  numbers[kind] = (numbers[kind] or 0) + 1
  numbers[id] = label(numbers[kind], labels[kind])
  return numbers[id]
end

local function crossref_options(meta)
  for key, value in pairs(meta["averting-crossref"] or {}) do
    local kind, what = key:match("^(%l+)%-(%l+)$")
    local text = stringify(value)
    if key == "title-delim" then delimiter = text
    elseif key == "subref-labels" then labels.sub = text
    elseif key == "labels" then for name in pairs(NAMES) do if name ~= "sec" then labels[name] = text end end
    elseif what == "title" then TITLES[kind] = text
    elseif what == "prefix" then NAMES[kind] = text
    elseif what == "labels" then labels[kind] = text end
  end
end

local function headings(doc, numbered)
  local top, counts = 9, {}
  doc:walk({ Header = function(h) top = math.min(top, h.level) end })
  return doc:walk({
    Header = function(h)
      local level = h.level - top + 1
      h.level = math.min(6, level + 1)
      if kind_of(h.identifier) == "sec" then titles[h.identifier] = h.content:clone() end
      if has(h, "unnumbered") or not numbered then return h end
      for i = #counts + 1, level do counts[i] = 0 end
      for i = #counts, level + 1, -1 do counts[i] = nil end
      counts[level] = counts[level] + 1
      numbers[h.identifier] = table.concat(counts, ".")
      h.content:insert(1, pandoc.Space())
      h.content:insert(1, pandoc.Span({ pandoc.Str(numbers[h.identifier]) }, pandoc.Attr("", { "header-section-number" })))
      return h
    end,
  })
end

local function contents(doc, depth)
  local plain = doc:walk({ Note = function() return {} end, Link = function(l) return l.content end })
  return pandoc.structure.table_of_contents(plain.blocks, pandoc.WriterOptions({ toc_depth = depth + 1 }))
end

-- 2. Figures and tables --------------------------------------------------------------------------------------------

local tables = 0

local function captioned(id, caption)
  local kind = kind_of(id)
  local out = pandoc.Inlines({})
  if kind then
    local text = parent and "(" .. number(id) .. ")"
      or TITLES[kind] .. "\u{a0}" .. number(id) .. (#caption > 0 and delimiter or "")
    out:insert(pandoc.Span({ pandoc.Str(text) }, pandoc.Attr("", { "float-number" })))
    if #caption > 0 then out:insert(pandoc.Space()) end
  end
  out:extend(caption)
  return out
end

local function place(image)
  if image.src:match("^%a*:?//") then fault("external", image.src) end
  local text = image.attributes["fig-alt"] or image.attributes.alt or stringify(image.caption)
  image.attributes["fig-alt"], image.attributes.alt = nil, nil
  if text:match("^%s*$") then fault("alt", image.src) end
  image.caption = pandoc.Inlines({ pandoc.Str(text) })
  return image
end

local function only_image(block)
  local is = (block.t == "Para" or block.t == "Plain") and #block.content == 1 and block.content[1].t == "Image"
  return is and block.content[1] or nil
end

local function figure_of_image(image)
  local id, caption = image.identifier, image.caption:clone()
  image.identifier = ""
  local plain = pandoc.Plain({ place(image) })
  if not kind_of(id) and #caption == 0 then return pandoc.Div({ plain }, pandoc.Attr(id, { "image" })) end
  return pandoc.Figure({ plain }, { long = { pandoc.Plain(captioned(id, caption)) } }, pandoc.Attr(id))
end

local function region(blocks, id, label_id)
  -- lists, because the order of a table's keys differs from run to run
  local named = { { "role", "region" }, { "tabindex", "0" }, { "aria-labelledby", label_id } }
  local unnamed = { { "role", "group" }, { "tabindex", "0" }, { "aria-label", "Table" } }
  return pandoc.Div(blocks, pandoc.Attr(id, { "table-scroll" }, label_id and named or unnamed))
end

local function caption_span(caption)
  tables = tables + 1
  local id = "table-caption-" .. tables
  return pandoc.Plain({ pandoc.Span(caption, pandoc.Attr(id)) }), id
end

local function scope_headers(table)
  for _, row in ipairs(table.head.rows) do
    for _, cell in ipairs(row.cells) do cell.attributes.scope = "col" end
  end
  for _, body in ipairs(table.bodies) do
    for _, row in ipairs(body.body) do
      for i = 1, body.row_head_columns do row.cells[i].attributes.scope = "row" end
    end
  end
end

local function markdown_table(table, id, caption)
  table.identifier = ""
  scope_headers(table)
  if #caption == 0 then return region({ table }, id) end
  local plain, label = caption_span(caption)
  table.caption = { long = { plain } }
  return region({ table }, id, label)
end

-- The caption is kept as pandoc's own text between two pieces of HTML, so that citations in it still work.
local function raw_table(text, id, caption, given)
  if text:match("table%-scroll") then return { html(text) } end
  local before, own, after = text:match("^(.-<caption[^>]*>)(.-)(</caption>.*)$")
  if own and given then fault("captions", id) end
  if not own and #caption == 0 then return { region({ html(text) }, id) } end
  if not own then
    local head, rest = text:match("^(.-<table[^>]*>)(.*)$")
    before, own, after = head .. "<caption>", "", "</caption>" .. rest
  end
  if own ~= "" then
    if #caption > 0 then caption:insert(html_inline(" ")) end
    caption:insert(html_inline(own))
  end
  local plain, label = caption_span(caption)
  return { region({ html(before), plain, html(after) }, id, label) }
end

local function is_html_table(block)
  -- a section, such as the explorer, has tables and captions of its own and is left as it is
  return block.t == "RawBlock" and block.format == "html" and block.text:match("<table") ~= nil and not block.text:match("<section")
end

local function count_tables(blocks)
  local count = 0
  pandoc.Div(blocks):walk({
    Table = function() count = count + 1 end,
    RawBlock = function(b)
      if is_html_table(b) then count = count + select(2, b.text:gsub("<table", "")) end
    end,
  })
  return count
end

local function table_float(div, caption, given)
  local first = true
  local function once(make)
    return function(block)
      local captions = first and caption or pandoc.Inlines({})
      if block.t == "RawBlock" and not is_html_table(block) then return nil end
      local id = first and div.identifier or ""
      first = false
      return make(block, id, captions), false
    end
  end
  return div.content:walk({
    traverse = "topdown",
    Table = once(function(block, id, text)
      if given and #block.caption.long > 0 then fault("captions", div.identifier) end
      if not given and #block.caption.long > 0 then text:extend(pandoc.Inlines({ pandoc.Space() }) .. block.caption.long[1].content) end
      return markdown_table(block, id, text)
    end),
    RawBlock = once(function(block, id, text) return raw_table(block.text, id, text, given) end),
  })
end

local nested -- float, which comes below

local function take_caption(div)
  local last = div.content[#div.content]
  local explicit = last and last.t == "Div" and has(last, "float-caption")
  if explicit or (last and last.t == "Para" and not has(div, "float") and not only_image(last)) then
    div.content:remove(#div.content)
    return explicit and pandoc.utils.blocks_to_inlines(last.content, { pandoc.Space() }) or last.content
  end
  return pandoc.Inlines({})
end

local function part_of_figure(block)
  local image = only_image(block)
  if image and kind_of(image.identifier) then return figure_of_image(image), false end
end

local function inside_figure(blocks)
  return blocks:walk({
    traverse = "topdown",
    Div = function(div) return nested(div) end,
    Para = part_of_figure,
    Plain = part_of_figure,
    Image = place,
    Table = function(table)
      local own = kind_of(table.identifier) and pandoc.utils.blocks_to_inlines(table.caption.long) or pandoc.Inlines({})
      return markdown_table(table, table.identifier, captioned(table.identifier, own)), false
    end,
    RawBlock = function(block)
      if is_html_table(block) then return raw_table(block.text, "", pandoc.Inlines({}), false), false end
    end,
  })
end

-- several in a row: a grid on screen, print.lua makes one of it on paper
local function columns(div)
  local count = div.attributes["layout-ncol"]
  if not count then return nil end
  div.attributes["layout-ncol"] = nil
  div.attributes.style = "--columns: " .. count
  div.classes:insert("layout")
  return div
end

local function float(div)
  local kind = kind_of(div.identifier)
  local is_table = kind == "tbl" or has(div, "tbl")
  if not (kind == "fig" or kind == "tbl" or has(div, "float")) then return columns(div) end
  local text = take_caption(div)
  local given = #text > 0
  local caption = captioned(div.identifier, text)
  div.classes = div.classes:filter(function(c) return c ~= "float" and c ~= "fig" and c ~= "tbl" end)
  if is_table and count_tables(div.content) == 1 then
    return table_float(div, caption, given), false
  end
  local classes = is_table and { "table-figure" } or {}
  local above = parent
  parent = kind and not above and { id = div.identifier, count = 0 } or above
  local content = inside_figure(div.content)
  parent = above
  local laid_out = columns(pandoc.Div(content, pandoc.Attr("", {}, { ["layout-ncol"] = div.attributes["layout-ncol"] })))
  return pandoc.Figure(laid_out or content, { long = { pandoc.Plain(caption) } }, pandoc.Attr(div.identifier, classes)), false
end

nested = float

-- a block of code with a number: ```{#lst-x .python lst-cap="What it does"}
local function listing(block)
  if kind_of(block.identifier) ~= "lst" then return nil end
  local id, text = block.identifier, block.attributes["lst-cap"]
  if not text then fault("listing", id); return nil end
  block.identifier, block.attributes["lst-cap"] = "", nil
  local caption = pandoc.utils.blocks_to_inlines(pandoc.read(text, "markdown").blocks)
  return pandoc.Figure({ block }, { long = { pandoc.Plain(captioned(id, caption)) } }, pandoc.Attr(id, { "table-figure" })), false
end

local floats = {
  traverse = "topdown",
  Div = float,
  CodeBlock = listing,
  Para = function(para)
    local image = only_image(para)
    if image then return figure_of_image(image), false end
  end,
  Image = place,
  Table = function(table)
    local long = table.caption.long
    local text = #long > 0 and pandoc.utils.blocks_to_inlines(long) or pandoc.Inlines({})
    return markdown_table(table, table.identifier, captioned(table.identifier, text)), false
  end,
  RawBlock = function(block)
    if is_html_table(block) then return raw_table(block.text, "", pandoc.Inlines({}), false), false end
  end,
  Span = function(span)
    if has(span, "equation") and kind_of(span.identifier) == "eq" then
      local label = pandoc.Span({ pandoc.Str("(" .. number(span.identifier) .. ")") }, pandoc.Attr("", { "equation-number" }))
      return pandoc.Span({ pandoc.Span(span.content, pandoc.Attr("", { "equation-body" })), label }, span.attr), false
    end
  end,
}

-- 3. References ----------------------------------------------------------------------------------------------------

local function reference(citation)
  local id = numbers[citation.id] and citation.id or citation.id:gsub("^%u", string.lower)
  local kind = kind_of(id)
  local out = pandoc.Inlines({})
  if not numbers[id] and not titles[id] then
    fault("reference", citation.id)
    return out
  end
  if not numbers[id] then
    out:extend(titles[id])
  elseif citation.mode == "SuppressAuthor" then
    out:insert(pandoc.Str(numbers[id]))
  elseif #citation.prefix > 0 then
    out:extend(citation.prefix)
    out:insert(pandoc.Str("\u{a0}" .. numbers[id]))
  else
    out:insert(pandoc.Str(NAMES[kind] .. "\u{a0}" .. numbers[id]))
  end
  return pandoc.Inlines({ pandoc.Link(out, "#" .. id, "", pandoc.Attr("", { "crossref" })) }) .. citation.suffix
end

local function references(cite)
  local own = cite.citations:filter(function(c) return kind_of((c.id:gsub("^%u", string.lower))) ~= nil end)
  if #own == 0 then return nil end
  if #own < #cite.citations then fault("mixed", own[1].id) end
  local out = pandoc.Inlines({})
  for i, citation in ipairs(own) do
    if i > 1 then out:extend({ pandoc.Str(","), pandoc.Space() }) end
    out:extend(reference(citation))
  end
  return out
end

local function check_citations(doc)
  local known, cited = {}, false
  for _, entry in ipairs(pandoc.utils.references(doc)) do known[entry.id] = true end
  local function check(cite)
    cited = true
    for _, citation in ipairs(cite.citations) do
      if not known[citation.id] and citation.id ~= "*" then
        known[citation.id] = true -- say it once
        fault("citation", citation.id)
      end
    end
  end
  doc:walk({ Cite = check })
  return cited or doc.meta.nocite ~= nil
end

local function add_bibliography(doc)
  local placed = false
  doc:walk({ Div = function(d) placed = placed or d.identifier == "refs" end })
  if placed then return end
  doc.blocks:insert(pandoc.Header(2, "References", pandoc.Attr("references", { "unnumbered" })))
  doc.blocks:insert(pandoc.Div({}, pandoc.Attr("refs")))
end

-- 4. Nothing from elsewhere, no image without words ----------------------------------------------------------------

local LOADING = { "src", "srcset", "poster", "data", "background", "xlink:href", "href" }

local function check_tag(tag, attributes)
  if tag == "img" and not attributes:match("%salt%s*=") then fault("alt", "<img" .. attributes:sub(1, 60)) end
  if tag == "a" or tag == "area" then return end
  for _, name in ipairs(LOADING) do
    local url = attributes:match("%s" .. name:gsub("%-", "%%-") .. "%s*=%s*[\"']?%s*(%a*:?//[^%s\"'>]+)")
    if url then fault("external", url) end
  end
end

local function check_raw(el)
  if not el.format:match("^html") then return nil end
  for tag, attributes in el.text:gmatch("<(%a[%w%-]*)([^>]*)") do check_tag(tag:lower(), attributes) end
  for url in el.text:gmatch("url%(%s*[\"']?(%a*:?//[^)\"']+)") do fault("external", url) end
  for url in el.text:gmatch("@import%s+[\"']?([^;\"']+)") do fault("external", url) end
end

-- ------------------------------------------------------------------------------------------------------------------

function Pandoc(doc)
  local numbered = doc.meta["averting-number-sections"]
  local depth = tonumber(doc.meta["averting-toc-depth"] and stringify(doc.meta["averting-toc-depth"]) or "0")
  doc:walk({ RawBlock = check_raw, RawInline = check_raw })
  crossref_options(doc.meta)
  doc = headings(doc, numbered)
  doc = doc:walk(floats)
  doc = doc:walk({ Cite = references })
  if check_citations(doc) then add_bibliography(doc) end
  if depth > 0 then doc.meta["averting-toc"] = pandoc.MetaBlocks({ contents(doc, depth) }) end
  if common.faulty then error("averting found faults") end
  return doc
end
