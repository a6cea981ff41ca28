-- What PDF and Word have in common: what the other filters left as HTML becomes blocks again, and pictures become files.

local common = dofile(pandoc.path.join({ pandoc.path.directory(PANDOC_SCRIPT_FILE), "common.lua" }))
local fault, has = common.fault, common.has
local paper = {}

local SCREEN = { "script", "style", "noscript", "template", "button", "select" }

local function from_html(text)
  -- a figure's numbers are folded away on screen; on paper its alternative text has them
  text = text:gsub('<details class="figure%-data">.-</details>', "")
  for _, tag in ipairs(SCREEN) do text = text:gsub("<" .. tag .. "[%s>].-</" .. tag .. ">", "") end
  text = text:gsub("<input[^>]*>", "")
  -- pandoc forgets the attributes of a paragraph, and with them that it is hidden
  for _, tag in ipairs({ "p", "form" }) do text = text:gsub("<" .. tag .. "%s[^>]*%f[%w]hidden%f[%W][^>]*>.-</" .. tag .. ">", "") end
  return pandoc.read(text, "html").blocks
end

local function raw_block(block)
  if block.format == "html" then return from_html(block.text) end
end

local function raw_inline(inline)
  if inline.format == "html" then return pandoc.utils.blocks_to_inlines(from_html(inline.text)) end
end

-- a table with its caption between two pieces of HTML, or on its own
local function scrolled(div)
  if not has(div, "table-scroll") then return nil end
  local text, caption = "", nil
  for _, block in ipairs(div.content) do
    if block.t == "RawBlock" then text = text .. block.text else caption = block.content end
  end
  local content = text ~= "" and from_html(text) or div.content
  return content:walk({
    traverse = "topdown",
    Table = function(table)
      if text ~= "" and caption then table.caption = { long = { pandoc.Plain(caption) } } end
      table.identifier = div.identifier
      return table, false
    end,
  })
end

local function hidden(el)
  if has(el, "visually-hidden") or has(el, "screen-only") or el.attributes.hidden then return {} end
end

local ENDING = { ["image/svg+xml"] = "svg", ["image/png"] = "png", ["image/jpeg"] = "jpg", ["image/gif"] = "gif" }

-- keeps a picture in a folder under the hash of its bytes; returns its name, its words, and the bytes
local function kept(el, folder)
  local kind, bytes = pandoc.mediabag.fetch(el.src)
  local ending = kind and ENDING[kind:match("^[^;]+")]
  if not ending then fault("picture", el.src:sub(1, 60)); return nil end
  local name = pandoc.utils.sha1(bytes) .. "." .. ending
  local file = assert(io.open(pandoc.path.join({ folder, name }), "wb"))
  file:write(bytes)
  file:close()
  local text = pandoc.utils.stringify(el.caption)
  if text == "" then text = el.attributes.alt or "" end
  if text:match("^%s*$") then fault("alt", el.src:sub(1, 60)) end
  return name, text, bytes
end

paper.raw_block, paper.raw_inline, paper.scrolled, paper.hidden, paper.kept = raw_block, raw_inline, scrolled, hidden, kept
return paper
