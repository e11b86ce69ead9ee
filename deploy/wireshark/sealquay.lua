-- Shows sealquay's protocol in Wireshark and tshark, both dialects: docs/PROTOCOL.md.
-- Copy this file to the personal Lua plugins folder (Help, About, Folders), or:
--   tshark -X lua_script:sealquay.lua -r capture.pcap -Y sealquay
-- Other ports than 1234: the protocol's preference, or -d tcp.port==N,sealquay.

-- messages: made from the table in codec, see deploy/wireshark_test.go
local REQUESTS = {
	[1100] = {name = "registration", fields = {{"name", 255}}},
	[1101] = {name = "public key", fields = {{"name", 255}, {"public key", 160}}},
	[1103] = {name = "encrypted file", fields = {{"client id", 16}, {"content size", 4}, {"file name", 255}, {"content", 0}}},
	[1104] = {name = "valid CRC", fields = {{"client id", 16}, {"file name", 255}}},
	[1105] = {name = "invalid CRC", fields = {{"client id", 16}, {"file name", 255}}},
	[1106] = {name = "giving up", fields = {{"client id", 16}, {"file name", 255}}},
}
local RESPONSES = {
	[2100] = {name = "registration approved", fields = {{"client id", 16}}},
	[2101] = {name = "registration error", fields = {}},
	[2102] = {name = "key exchange", fields = {{"client id", 16}, {"encrypted AES key", 128}}},
	[2103] = {name = "file received", fields = {{"client id", 16}, {"content size", 4}, {"file name", 255}, {"cksum", 4}}},
	[2104] = {name = "acknowledged", fields = {}},
}
-- end of messages

local REQUEST_HEADER, RESPONSE_HEADER, SEED_HEADER = 23, 7, 8
local REGISTRATION, PUBLIC_KEY, ENCRYPTED_FILE, INVALID_CRC, FILE_RECEIVED = 1100, 1101, 1103, 1105, 2103
local TEXT, KEY, BLOCK, SEED_CKSUM = 255, 160, 16, 10

local sealquay = Proto("sealquay", "sealquay file transfer")
sealquay.prefs.port = Pref.uint("TCP port", 1234, "Port of the server")

local names = {}
for _, messages in ipairs({REQUESTS, RESPONSES}) do
	for code, m in pairs(messages) do names[code] = m.name end
end

local f = sealquay.fields
f.client = ProtoField.bytes("sealquay.header.client_id", "Client id")
f.version = ProtoField.uint8("sealquay.version", "Version")
f.code = ProtoField.uint16("sealquay.code", "Code", base.DEC, names)
f.payload_size = ProtoField.uint32("sealquay.payload_size", "Payload size, as declared")
f.dialect = ProtoField.string("sealquay.dialect", "Dialect")
f.content_part = ProtoField.uint32("sealquay.content_part", "Bytes of content in this segment")
f.content_left = ProtoField.uint64("sealquay.content_left", "Bytes of content still to come")
f.response_in = ProtoField.framenum("sealquay.response_in", "Response in", base.NONE, frametype.RESPONSE)
f.response_to = ProtoField.framenum("sealquay.response_to", "Request in", base.NONE, frametype.REQUEST)
f.time = ProtoField.relative_time("sealquay.time", "Time since the request")

-- One field of the capture for each field of the tables.
local kinds = {name = "text", ["file name"] = "text", ["content size"] = "number", cksum = "number"}
local payload = {}
for _, messages in ipairs({REQUESTS, RESPONSES}) do
	for _, m in pairs(messages) do
		for _, field in ipairs(m.fields) do
			local name = field[1]
			if not payload[name] then
				local make = ({text = ProtoField.string, number = ProtoField.uint32})[kinds[name]] or ProtoField.bytes
				payload[name] = make("sealquay." .. name:lower():gsub(" ", "_"), name:sub(1, 1):upper() .. name:sub(2))
				f["payload_" .. name:gsub(" ", "_")] = payload[name]
			end
		end
	end
end

local e = sealquay.experts
e.unknown = ProtoExpert.new("sealquay.unknown_code", "Unknown code", expert.group.MALFORMED, expert.severity.ERROR)
e.text = ProtoExpert.new("sealquay.text_not_terminated", "Name without a terminating zero byte", expert.group.MALFORMED, expert.severity.ERROR)
e.size = ProtoExpert.new("sealquay.content_size_wrong", "Content size that cannot be right", expert.group.MALFORMED, expert.severity.ERROR)
e.lost = ProtoExpert.new("sealquay.framing_lost", "Frame boundaries are lost", expert.group.MALFORMED, expert.severity.ERROR)
e.declared = ProtoExpert.new("sealquay.payload_size_wrong", "Payload size is not what the code says", expert.group.PROTOCOL, expert.severity.NOTE)
e.version = ProtoExpert.new("sealquay.version_unusual", "Version is not 3", expert.group.PROTOCOL, expert.severity.NOTE)
e.refused = ProtoExpert.new("sealquay.refused", "The server refused the request", expert.group.RESPONSE_CODE, expert.severity.WARN)
e.unasked = ProtoExpert.new("sealquay.unasked", "Response without a request in the capture", expert.group.SEQUENCE, expert.severity.WARN)

local tcp_stream = Field.new("tcp.stream")

-- What is known of each connection, from the first pass over the capture.
local streams
-- What each call met, so that frames may be shown again in any order.
local calls
-- Which request each response answers, both by their places.
local answers, asked

function sealquay.init() streams, calls, answers, asked = {}, {}, {}, {} end

-- place names a message: its frame, and where in it the message begins.
local function place(pinfo, tvb, offset)
	return pinfo.number .. ":" .. tvb:offset() .. ":" .. tvb:len() .. ":" .. offset
end

local function text_length(range)
	local bytes = range:bytes()
	for i = 0, bytes:len() - 1 do
		if bytes:get_index(i) == 0 then return i end
	end
	return bytes:len()
end

local function fixed_size(message)
	local size = 0
	for _, field in ipairs(message.fields) do size = size + field[2] end
	return size
end

-- The seed's client declares the length of the name where its field's width is due.
local function dialect_of(code, declared, name)
	if code == PUBLIC_KEY then
		declared = declared - KEY
	elseif code ~= REGISTRATION then
		return "documented"
	end
	local length = text_length(name)
	if length > 0 and length < TEXT and declared == length then return "seed" end
	return "documented"
end

local function encrypted(size) return size > 0 and size % BLOCK == 0 end

-- How much content follows the head of a 1103, and what is wrong with it.
local function content_length(dialect, declared, size, name)
	if dialect == "seed" then
		if encrypted(size) then return size end
		if declared == 16 + size + name then return size, e.size end
		return 0, e.lost
	end
	local counted = declared - (16 + 4 + TEXT)
	if encrypted(counted) then return counted end
	if (counted == 0 or counted == 1) and encrypted(size) then return size end
	if counted == size then return size, e.size end
	return 0, e.lost
end

local function add_payload(tree, range, fields, dialect, code)
	local at = 0
	for _, field in ipairs(fields) do
		local name, width = field[1], field[2]
		if name == "cksum" and dialect == "seed" then width = SEED_CKSUM end
		width = math.min(width, range:len() - at)
		if width <= 0 then break end
		local part = range(at, width)
		if kinds[name] == "text" then
			local length = text_length(part)
			local item = tree:add(payload[name], part, length > 0 and part(0, length):string() or "")
			if length == width and width == TEXT then item:add_proto_expert_info(e.text) end
		elseif name == "cksum" and dialect == "seed" then
			tree:add(payload[name], part, tonumber(part:string():match("^%d+")) or 0)
		elseif kinds[name] == "number" then
			tree:add_le(payload[name], part)
		else
			tree:add(payload[name], part)
		end
		at = at + width
	end
end

local function begin(tvb, pinfo, root, offset, length, code, kind, dialect)
	local what = names[code] and (code .. " " .. names[code]) or ("unknown code " .. code)
	local tree = root:add(sealquay, tvb(offset, length), "sealquay, " .. kind .. " " .. what)
	tree:add(f.dialect, dialect):set_generated()
	pinfo.cols.info:append((tostring(pinfo.cols.info) ~= "" and ", " or "") .. what)
	return tree
end

-- Each of these returns how many bytes the message at offset has; nothing and
-- the bytes missing, if it is not whole.

local function request(tvb, pinfo, root, offset, s)
	local left = tvb:len() - offset
	if left < REQUEST_HEADER then return nil, REQUEST_HEADER - left end
	local code, declared = tvb(offset + 17, 2):le_uint(), tvb(offset + 19, 4):le_uint()
	local message = REQUESTS[code]
	local size = message and fixed_size(message) or 0
	if left < REQUEST_HEADER + size then
		-- A registration may end with its name: nobody can tell before the next request.
		local rest = left - REQUEST_HEADER
		if code ~= REGISTRATION or rest ~= declared or rest == 0 or s.dialect == "seed" then
			return nil, REQUEST_HEADER + size - left
		end
		size = rest
		s.dialect = s.dialect or "documented"
	end
	local body = size > 0 and tvb(offset + REQUEST_HEADER, size)
	s.dialect = s.dialect or (body and dialect_of(code, declared, body(0, math.min(TEXT, size))) or "documented")
	local tree = begin(tvb, pinfo, root, offset, REQUEST_HEADER + size, code, "request", s.dialect)
	tree:add(f.client, tvb(offset, 16))
	local version = tree:add(f.version, tvb(offset + 16, 1))
	if tvb(offset + 16, 1):uint() ~= 3 then version:add_proto_expert_info(e.version) end
	local shown = tree:add_le(f.code, tvb(offset + 17, 2))
	local size_item = tree:add_le(f.payload_size, tvb(offset + 19, 4))
	if body then add_payload(tree, body, message.fields, s.dialect, code) end
	if not message then
		shown:add_proto_expert_info(e.unknown)
		s.content = declared
	elseif code == ENCRYPTED_FILE then
		local name = text_length(body(20, TEXT))
		local length, wrong = content_length(s.dialect, declared, body(16, 4):le_uint(), name)
		if wrong then size_item:add_proto_expert_info(wrong) end
		s.content, s.lost = length, wrong == e.lost
		if declared ~= (s.dialect == "seed" and 16 + length + name or 275 + length) then
			size_item:add_proto_expert_info(e.declared)
		end
	elseif s.dialect == "documented" and declared ~= size then
		size_item:add_proto_expert_info(e.declared)
	end
	return REQUEST_HEADER + size, 0, tree, code
end

local function response(tvb, pinfo, root, offset, s)
	local header = s.dialect == "seed" and SEED_HEADER or RESPONSE_HEADER
	local left = tvb:len() - offset
	if left < header then return nil, header - left end
	local at = offset + header - 6
	local code, declared = tvb(at, 2):le_uint(), tvb(at + 2, 4):le_uint()
	local message = RESPONSES[code]
	local size = message and fixed_size(message) or declared
	if code == FILE_RECEIVED and s.dialect == "seed" then size = size + SEED_CKSUM - 4 end
	if left < header + size then return nil, header + size - left end
	local tree = begin(tvb, pinfo, root, offset, header + size, code, "response", s.dialect or "documented")
	tree:add(f.version, tvb(offset, 1))
	local shown = tree:add_le(f.code, tvb(at, 2))
	local size_item = tree:add_le(f.payload_size, tvb(at + 2, 4))
	if not message then
		shown:add_proto_expert_info(e.unknown)
	elseif declared ~= size then
		size_item:add_proto_expert_info(e.declared)
	end
	if message and size > 0 then add_payload(tree, tvb(offset + header, size), message.fields, s.dialect, code) end
	if code == 2101 then shown:add_proto_expert_info(e.refused) end
	return header + size, 0, tree, code
end

-- answer_of tells whether a response may answer a request.
local function answer_of(request_code, response_code)
	local codes = {[1100] = 2100, [1101] = 2102, [1103] = 2103, [1104] = 2104, [1105] = 2104, [1106] = 2104}
	return response_code == 2101 or codes[request_code] == response_code
end

-- match links requests and responses: they follow in one order.
local function match(pinfo, key, tree, code, is_request, s)
	if is_request then
		if not pinfo.visited and not (s.dialect == "seed" and code == INVALID_CRC) then -- that one gets no answer
			table.insert(s.waiting, {key = key, frame = pinfo.number, time = pinfo.abs_ts, code = code})
		end
		local found = asked[key]
		if found then tree:add(f.response_in, found):set_generated() end
		return
	end
	if not pinfo.visited then
		local first = table.remove(s.waiting, 1)
		while first and not answer_of(first.code, code) and #s.waiting > 0 do first = table.remove(s.waiting, 1) end
		if first then
			answers[key] = {frame = first.frame, time = first.time}
			asked[first.key] = pinfo.number
		end
	end
	local first = answers[key]
	if not first then
		tree:add_proto_expert_info(e.unasked)
		return
	end
	tree:add(f.response_to, first.frame):set_generated()
	tree:add(f.time, NSTime(math.floor(pinfo.abs_ts - first.time), math.floor(((pinfo.abs_ts - first.time) % 1) * 1e9))):set_generated()
end

-- resume returns the connection as it was when this call was made first.
local function resume(pinfo, tvb)
	local key = place(pinfo, tvb, 0)
	if not calls[key] then
		local id = tcp_stream().value
		local s = streams[id]
		if not s then -- the client speaks first
			s = {client = pinfo.src_port, content = 0, waiting = {}}
			streams[id] = s
		end
		calls[key] = {stream = s, client = s.client, dialect = s.dialect, content = s.content, lost = s.lost}
		return s
	end
	local then_ = calls[key]
	return {client = then_.client, dialect = then_.dialect, content = then_.content, lost = then_.lost, waiting = {}}
end

-- content shows what this segment has of a file; it is not decrypted.
local function content(tvb, root, offset, s)
	local length = math.min(s.content, tvb:len() - offset)
	local tree = root:add(sealquay, tvb(offset, length), "sealquay, content, " .. length .. " bytes")
	tree:add(payload["content"], tvb(offset, length))
	tree:add(f.content_part, length):set_generated()
	s.content = s.content - length
	tree:add(f.content_left, UInt64(s.content % 2 ^ 32, math.floor(s.content / 2 ^ 32))):set_generated()
	return length
end

function sealquay.dissector(tvb, pinfo, root)
	local s = resume(pinfo, tvb)
	local is_request = pinfo.src_port == s.client
	pinfo.cols.protocol = "sealquay"
	pinfo.cols.info = ""
	local offset = 0
	while offset < tvb:len() do
		if is_request and s.lost then
			root:add(sealquay, tvb(offset), "sealquay, behind a lost frame"):add_proto_expert_info(e.lost)
			return tvb:len()
		elseif is_request and s.content > 0 then
			offset = offset + content(tvb, root, offset, s)
			if tostring(pinfo.cols.info) == "" then pinfo.cols.info = "content" end
		else
			local length, missing, tree, code = (is_request and request or response)(tvb, pinfo, root, offset, s)
			if not length then
				pinfo.desegment_offset, pinfo.desegment_len = offset, missing
				return tvb:len()
			end
			match(pinfo, place(pinfo, tvb, offset), tree, code, is_request, s)
			offset = offset + length
		end
	end
	return tvb:len()
end

local ports = DissectorTable.get("tcp.port")
local registered = sealquay.prefs.port
ports:add(registered, sealquay)
function sealquay.prefs_changed()
	if registered == sealquay.prefs.port then return end
	ports:remove(registered, sealquay)
	registered = sealquay.prefs.port
	ports:add(registered, sealquay)
end
