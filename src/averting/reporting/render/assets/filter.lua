-- Quarto's blocks and cross-references, as averting's reports use them, as accessible HTML.
-- What is wrong is written to standard error, one line each, for pandoc.py to word with file and line.

local stringify = pandoc.utils.stringify
local NAMES = { fig = "Figure", tbl = "Table", sec = "Section", eq = "Equation" }
local UNSUPPORTED_KINDS = { lst = true, thm = true, lem = true, cor = true, prp = true, cnj = true, def = true, exm = true, exr = true }
local TITLES = { note = "Note", tip = "Tip", important = "Important", warning = "Warning", caution = "Caution" }
local UNSUPPORTED_CLASSES = {
  "panel%-.+", "column%-.+", "columns?", "aside", "incremental", "notes", "layout", "appendix", "theorem",
  "callout%-.+", "cell%-output%-.+",
}

local faults = false
local function fault(kind, token)
  faults = true
  io.stderr:write("averting-fault\t" .. kind .. "\t" .. token:gsub("%s+", " ") .. "\n")
end

local function has(el, class) return el.classes:includes(class) end
local function html(text) return pandoc.RawBlock("html", text) end
local function html_inline(text) return pandoc.RawInline("html", text) end
local function prefix_of(id) return id and id:match("^(%l+)%-.") end
local function kind_of(id)
  local prefix = prefix_of(id)
  return prefix and NAMES[prefix] and prefix
end
local function from_markdown(text)
  local first = pandoc.read(text, "markdown").blocks[1]
  return first and first.content or pandoc.Inlines({})
end

-- 1. Content for some formats only ---------------------------------------------------------------------------------

local function is_shown(el)
  for key in pairs(el.attributes) do
    if key ~= "when-format" and key ~= "unless-format" then fault("attribute", key) end
  end
  local only, except = el.attributes["when-format"], el.attributes["unless-format"]
  local matches = (not only or only:match("^html") ~= nil) and (not except or except:match("^html") == nil)
  if has(el, "content-hidden") then return not matches end
  return matches
end

local function conditional(el)
  if has(el, "content-visible") or has(el, "content-hidden") then
    return is_shown(el) and el.content or {}
  end
end

-- 2. What is refused, and callouts ----------------------------------------------------------------------------------

local callouts = 0

local function callout_title(div, name)
  local title
  if div.attributes.title then
    title = from_markdown(div.attributes.title)
  elseif div.content[1] and div.content[1].t == "Header" then
    title = div.content[1].content
    div.content:remove(1)
  end
  if not title then return pandoc.Inlines({ pandoc.Str(TITLES[name]) }) end
  -- the kind is told by colour otherwise, which not everybody sees
  return pandoc.Inlines({ pandoc.Span({ pandoc.Str(TITLES[name] .. ":"), pandoc.Space() }, pandoc.Attr("", { "callout-kind" })) }) .. title
end

local function callout(div, name)
  callouts = callouts + 1
  for key in pairs(div.attributes) do
    if key ~= "title" and key ~= "collapse" then fault("attribute", key) end
  end
  local title = callout_title(div, name)
  local id = div.identifier ~= "" and div.identifier or ("callout-" .. callouts)
  local body = pandoc.Div(div.content, pandoc.Attr("", { "callout-body" }))
  local class = "callout callout-" .. name
  if div.attributes.collapse then
    local open = div.attributes.collapse == "false" and " open" or ""
    return { html('<details id="' .. id .. '" class="' .. class .. '"' .. open .. "><summary>"), pandoc.Plain(title),
      html("</summary>"), body, html("</details>") }
  end
  local label = pandoc.Div(pandoc.Para(title), pandoc.Attr(id .. "-title", { "callout-title" }))
  return pandoc.Div({ label, body }, pandoc.Attr(id, { "callout", "callout-" .. name }, { { "role", "note" }, { "aria-labelledby", id .. "-title" } }))
end

local function refuse_unsupported(el)
  for _, class in ipairs(el.classes) do
    local known = TITLES[class:match("^callout%-(.+)$") or ""]
    for _, pattern in ipairs(UNSUPPORTED_CLASSES) do
      if not known and class:match("^" .. pattern .. "$") then fault("class", class); break end
    end
  end
  for key in pairs(el.attributes) do
    if key:match("^layout") then fault("attribute", key) end
  end
  if UNSUPPORTED_KINDS[prefix_of(el.identifier) or ""] then fault("kind", el.identifier) end
end

local function block_div(div)
  for name in pairs(TITLES) do
    if has(div, "callout-" .. name) then return callout(div, name) end
  end
end

-- 3. Tables that come as HTML --------------------------------------------------------------------------------------

local function is_number(text) return text:match("^[+%-−]?[£$]?[%d.,]+%%?$") ~= nil or text == "" or text == "NaN" end

-- pandas puts the name of the index in a second header row; a screen reader wants one row
local function fold_index_row(table, stubs)
  if #table.head.rows ~= 2 then return end
  local names, index = table.head.rows[1].cells, table.head.rows[2].cells
  for i = stubs + 1, #index do
    if stringify(index[i].contents) ~= "" then return end
  end
  if #names ~= #index then return end
  for i = 1, stubs do names[i] = index[i] end
  table.head.rows = { pandoc.Row(names) }
end

-- an index without a name still needs a header that can be read out
local function name_index(table, stubs)
  for _, row in ipairs(table.head.rows) do
    for i = 1, stubs do
      if stringify(row.cells[i].contents) == "" then
        row.cells[i].contents = { pandoc.Plain({ pandoc.Span({ pandoc.Str("Row") }, pandoc.Attr("", { "visually-hidden" })) }) }
      end
    end
  end
end

local function align_numbers(table)
  local body = table.bodies[1]
  for column = 1, #table.colspecs do
    local numeric = #body.body > 0
    for _, row in ipairs(body.body) do
      local cell = row.cells[column]
      numeric = numeric and cell ~= nil and is_number(stringify(cell.contents))
    end
    table.colspecs[column] = { numeric and "AlignRight" or "AlignLeft", nil }
  end
end

local function data_frame(block)
  if block.format ~= "html" or not block.text:match('class="dataframe') then return nil end
  local found
  local text = block.text:gsub("<style.->.-</style>", ""):gsub(' style="[^"]*"', "")
  pandoc.read(text, "html"):walk({ Table = function(t) found = found or t end })
  if not found or not found.bodies[1] then return nil end
  local stubs = text:match("<tbody>%s*<tr>%s*<th") and 1 or 0
  found.bodies[1].row_head_columns = math.max(stubs, found.bodies[1].row_head_columns)
  fold_index_row(found, found.bodies[1].row_head_columns)
  name_index(found, found.bodies[1].row_head_columns)
  align_numbers(found)
  found.attr = pandoc.Attr("", {})
  return found
end

-- 4. Labels that pandoc does not read: "$$..$$ {#eq-x}" and ": caption {#tbl-x}" -----------------------------------

local function take_label(inlines, prefix)
  local last = inlines[#inlines]
  local id = last and last.t == "Str" and last.text:match("^{#(" .. prefix .. "%-[%w_%-]+)}$")
  if not id then return nil end
  inlines:remove(#inlines)
  if #inlines > 0 and inlines[#inlines].t:match("Space$") or #inlines > 0 and inlines[#inlines].t == "SoftBreak" then
    inlines:remove(#inlines)
  end
  return id
end

local function equation(para)
  for i, el in ipairs(para.content) do
    local label = para.content[i + 2] or para.content[i + 1]
    local id = el.t == "Math" and el.mathtype == "DisplayMath" and label and label.t == "Str"
      and label.text:match("^{#(eq%-[%w_%-]+)}[.,;]?$")
    if id then
      while para.content[i + 1] ~= label do para.content:remove(i + 1) end
      para.content:remove(i + 1)
      para.content[i] = pandoc.Span({ el }, pandoc.Attr(id, { "equation" }))
      return para
    end
  end
end

local function labelled_table(table)
  local long = table.caption.long
  local last = long and long[#long]
  local id = last and last.content and take_label(last.content, "tbl")
  if id then
    table.identifier = id
    return table
  end
end

-- 5. Headings: one h1 (the title), numbers, contents ---------------------------------------------------------------

local numbers, titles = {}, {}

local function number(id)
  if numbers[id] then fault("duplicate", id) end
  local kind = kind_of(id)
  numbers[kind] = (numbers[kind] or 0) + 1
  numbers[id] = tostring(numbers[kind])
  return numbers[id]
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

-- 6. Figures and tables --------------------------------------------------------------------------------------------

local tables = 0

local function captioned(id, caption)
  local kind = kind_of(id)
  local out = pandoc.Inlines({})
  if kind then
    local text = NAMES[kind] .. "\u{a0}" .. number(id) .. (#caption > 0 and ":" or "")
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
  return block.t == "RawBlock" and block.format == "html" and block.text:match("<table") ~= nil
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

local function take_caption(div)
  local last = div.content[#div.content]
  local explicit = last and last.t == "Div" and has(last, "float-caption")
  if explicit or (last and last.t == "Para" and not has(div, "float") and not only_image(last)) then
    div.content:remove(#div.content)
    return explicit and pandoc.utils.blocks_to_inlines(last.content, { pandoc.Space() }) or last.content
  end
  return pandoc.Inlines({})
end

local function inside_figure(blocks)
  return blocks:walk({
    traverse = "topdown",
    Image = place,
    Table = function(table) return markdown_table(table, "", pandoc.Inlines({})), false end,
    RawBlock = function(block)
      if is_html_table(block) then return raw_table(block.text, "", pandoc.Inlines({}), false), false end
    end,
  })
end

local function float(div)
  local kind = kind_of(div.identifier)
  local is_table = kind == "tbl" or has(div, "tbl")
  if not (kind == "fig" or kind == "tbl" or has(div, "float")) then return nil end
  local text = take_caption(div)
  local given = #text > 0
  local caption = captioned(div.identifier, text)
  div.classes = div.classes:filter(function(c) return c ~= "float" and c ~= "fig" and c ~= "tbl" end)
  if is_table and count_tables(div.content) == 1 then
    return table_float(div, caption, given), false
  end
  local classes = is_table and { "table-figure" } or {}
  return pandoc.Figure(inside_figure(div.content), { long = { pandoc.Plain(caption) } }, pandoc.Attr(div.identifier, classes)), false
end

local floats = {
  traverse = "topdown",
  Div = float,
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

-- 7. References ----------------------------------------------------------------------------------------------------

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

-- 8. Nothing from elsewhere, no image without words ----------------------------------------------------------------

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
  doc = doc:walk({ traverse = "topdown", Div = conditional, Span = conditional })
  doc:walk({ RawBlock = check_raw, RawInline = check_raw })
  doc:walk({ Div = refuse_unsupported, Header = refuse_unsupported })
  doc = doc:walk({ RawBlock = data_frame, Para = equation, Table = labelled_table })
  doc = doc:walk({ traverse = "topdown", Div = block_div })
  doc = headings(doc, numbered)
  doc = doc:walk(floats)
  doc = doc:walk({ Cite = references })
  if check_citations(doc) then add_bibliography(doc) end
  if depth > 0 then doc.meta["averting-toc"] = pandoc.MetaBlocks({ contents(doc, depth) }) end
  if faults then error("averting found faults") end
  return doc
end
