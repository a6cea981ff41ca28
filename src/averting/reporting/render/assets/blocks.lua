-- First filter: Quarto's blocks as accessible HTML: conditional content, callouts, data frames, labels. What is not
-- supported is named here.

local common = dofile(pandoc.path.join({ pandoc.path.directory(PANDOC_SCRIPT_FILE), "common.lua" }))
local fault, has, html, prefix_of = common.fault, common.has, common.html, common.prefix_of
local stringify = pandoc.utils.stringify
local UNSUPPORTED_KINDS = { thm = true, lem = true, cor = true, prp = true, cnj = true, def = true, exm = true, exr = true }
local TITLES = { note = "Note", tip = "Tip", important = "Important", warning = "Warning", caution = "Caution" }
local UNSUPPORTED_CLASSES = {
  "panel%-sidebar", "panel%-fill", "panel%-center", "panel%-input", "column%-.+", "columns?", "aside", "incremental", "notes", "layout", "appendix", "theorem",
  "callout%-.+", "cell%-output%-.+",
}

local function from_markdown(text)
  local first = pandoc.read(text, "markdown").blocks[1]
  return first and first.content or pandoc.Inlines({})
end

-- 1. Content for some formats only ---------------------------------------------------------------------------------

local function is_target(format) return (format:match("^html") and "html" or format) == common.target end

local function is_shown(el)
  for key in pairs(el.attributes) do
    if key ~= "when-format" and key ~= "unless-format" then fault("attribute", key) end
  end
  local only, except = el.attributes["when-format"], el.attributes["unless-format"]
  for _, format in ipairs({ only or "html", except or "html" }) do
    -- to Quarto "pdf" is LaTeX, which neither engine writes here: the text would vanish without a word
    if format:match("^pdf") or format:match("^latex") then fault("format", format) end
  end
  local matches = (not only or is_target(only)) and (not except or not is_target(except))
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
  if div.attributes.collapse and common.target == "html" then
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
    if key:match("^layout") and not (key == "layout-ncol" and el.attributes[key]:match("^[1-6]$")) then fault("attribute", key) end
  end
  if UNSUPPORTED_KINDS[prefix_of(el.identifier) or ""] then fault("kind", el.identifier) end
end

-- Tabs stand one after the other: nothing to open, nothing missing on paper or without a script.
local function tabset(div)
  local out, tab = pandoc.Blocks({}), nil
  local level
  for _, block in ipairs(div.content) do
    if block.t == "Header" and (not level or block.level == level) then
      level = block.level
      tab = pandoc.Div({ pandoc.Div(pandoc.Para(pandoc.Strong(block.content)), pandoc.Attr("", { "tab-title" })) }, pandoc.Attr(block.identifier, { "tab" }))
      out:insert(tab)
    else
      (tab and tab.content or out):insert(block)
      if tab then out[#out] = tab end
    end
  end
  return pandoc.Div(out, pandoc.Attr(div.identifier, { "tabset" }))
end

-- code that a reader may open; on paper there is nothing to open
local function folded(div)
  if common.target ~= "html" then return div.content end
  local out = pandoc.Blocks({ html('<details class="code-fold"' .. (has(div, "open") and " open" or "") .. "><summary>"),
    pandoc.Plain({ pandoc.Str(div.attributes.summary) }), html("</summary>") })
  out:extend(div.content)
  out:insert(html("</details>"))
  return out
end

local function block_div(div)
  if has(div, "code-fold") then return folded(div) end
  if has(div, "panel-tabset") then return tabset(div) end
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

-- ------------------------------------------------------------------------------------------------------------------

function Pandoc(doc)
  doc = doc:walk({ traverse = "topdown", Div = conditional, Span = conditional })
  doc:walk({ Div = refuse_unsupported, Header = refuse_unsupported })
  doc = doc:walk({ RawBlock = data_frame, Para = equation, Table = labelled_table })
  return doc:walk({ traverse = "topdown", Div = block_div })
end
